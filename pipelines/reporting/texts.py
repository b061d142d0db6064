"""Localised texts and number formats of the report, read from configs/report/.

Texts are files, so that a company can word them without touching code.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal

from features.errors import ConfigError
from pipelines.config.text_files import read_yaml

_MINUS = ("-", "\N{MINUS SIGN}")
_GROUPS = {"action": "actions", "product_line": "product_lines"}


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by key ("past.title"), with ``$name`` where a value goes.

    ``config`` is the option of the commands that they name: empty, or with a space before it.
    """

    language: str
    locale: Locale
    texts: Mapping[str, str]
    config: str = ""

    def say(self, key: str, /, **values: object) -> str:
        """One text with its values; raises ``KeyError`` for a key or a value that is missing."""
        return Template(self.texts[key]).substitute(values, config=self.config)

    def name(self, key: str, code: str) -> str:
        """What a code is called; the code itself where the texts have no name for it."""
        return self.texts.get(f"{key}.{code}", code)

    def group(self, effect: Mapping[str, Any]) -> str:
        """What the group of customers is called whose effect was measured."""
        return self.name(_GROUPS.get(effect["kind"], "lanes"), effect["group"])

    def count(self, value: float) -> str:
        return self._number(round(value))

    def decimal(self, value: float, digits: int = 2) -> str:
        return self._number(value, f"#,##0.{'0' * digits}")

    def share(self, value: float, digits: int = 1) -> str:
        places = f"0.{'0' * digits}" if digits else "0"
        return self._number(value, self.texts["percent"].replace("0", places))

    def points(self, value: float) -> str:
        """A difference of two shares in percentage points, with its sign and without the unit."""
        return self._number(100 * value, "+#,##0.0;-#,##0.0")

    def day(self, value: date) -> str:
        return str(format_date(value, "long", locale=self.locale))

    def day_of_year(self, value: date) -> str:
        return str(format_skeleton("MMMMd", value, locale=self.locale))

    def days(self, values: Iterable[str]) -> str:
        return ", ".join(self.day(date.fromisoformat(value)) for value in values)

    def money(self, value: float, currency: str) -> str:
        """Whole units, as figures of a whole night are not exact to the penny."""
        form = self.texts["money"]
        shown = format_currency(
            round(value), currency, format=form, locale=self.locale, currency_digits=False
        )
        return str(shown).replace(*_MINUS)

    def _number(self, value: float, form: str | None = None) -> str:
        return str(format_decimal(value, format=form, locale=self.locale)).replace(*_MINUS)


def load_texts(path: Path) -> Texts:
    """Read ``<language>.yaml``; raises ``ConfigError`` unless it is a tree of texts."""
    tree = read_yaml(path, "the report's texts")
    try:
        texts = dict(_flat(tree))
        return Texts(path.stem, Locale.parse(texts["locale"]), texts)
    except (UnknownLocaleError, TypeError, ValueError, KeyError) as error:
        raise ConfigError(f"{path} is not a file of the report's texts: {error}") from error


def _flat(tree: Any, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield above, tree
        return
    for name, below in dict(tree).items():
        yield from _flat(below, f"{above}.{name}" if above else str(name))
