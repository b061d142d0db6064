"""Driver families: each a YAML file beside this, with its streams and their features.

``Stream``, ``Feature`` and ``Family`` in ``features.feature`` say what the fields mean.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.contract import PAYMENT_METHODS, read_declarations
from features.feature import Family

_FILES = (
    *("bills", "billing", "dunning", "price", "market", "support", "effort"),
    *("information", "channel", "satisfaction", "relationship"),
)


def _families() -> Iterator[Family]:
    """The families in the order of ``_FILES``, and of what each file declares.

    ``words`` of a file, and those of ``words.yaml``, stand in its SQL as ``{word}``, also in later
    words. Raises ``ValueError`` for what is declared wrongly: where, and what is wrong.
    """
    folder = Path(__file__).parent
    common = {"payment_methods": ", ".join(map(repr, PAYMENT_METHODS))}
    common |= read_declarations(folder / "words.yaml")
    for name in _FILES:
        declared: dict[str, Any] = read_declarations(folder / f"{name}.yaml")
        family = Family(declared["family"], dict(common))
        for word, text in declared.get("words", {}).items():
            family.words[word] = family.fill(text)
        for stream, fields in declared["streams"].items():
            family.stream(stream, **fields)
        for group in declared.get("features", ()):
            family.declare(**group)
        yield family


FAMILIES = tuple(_families())
