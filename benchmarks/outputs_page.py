"""Documentation generator: the tables of docs/outputs.md, from the declared fields of each list.

What stands between them is written in the page itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from features.contract import OUTCOMES
from features.markdown import markdown_table
from models.competing_risks.model import OTHER
from pipelines.lists.causes import CAUSE_FIELDS
from pipelines.lists.changes import CHANGE_FIELDS
from pipelines.lists.inbound import INBOUND_FIELDS
from pipelines.lists.lanes import RULES
from pipelines.lists.list_columns import FIELDS, LANE_LISTS, RISK_LIST
from pipelines.lists.night_lists import outcome_fields
from pipelines.publication.manifest import Field

_PAGE = Path("docs/outputs.md")
_OUTCOME_FIELDS = outcome_fields((*OUTCOMES, OTHER))
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def outputs_page(page: str) -> str:
    """The page with its seven tables made anew; raises ``ValueError`` if it has not seven."""
    lanes = markdown_table(("file", "who", "columns"), _lane_rows())
    rules = ((name, *rule) for name, rule in RULES.items())
    tables = (
        _columns(FIELDS),
        lanes,
        markdown_table(("rule", "what it says", "source"), rules),
        *map(_columns, (INBOUND_FIELDS, CHANGE_FIELDS, CAUSE_FIELDS, _OUTCOME_FIELDS)),
    )
    texts = _TABLE.split(page)
    written = ["".join(f"{line}\n" for line in table) for table in (*tables, ())]
    return "".join(text + table for text, table in zip(texts, written, strict=True))


def _columns(fields: Iterable[Field]) -> Iterator[str]:
    rows = (
        (f.name, f.type, f.doc + (f" One of {', '.join(f.allowed)}." if f.allowed else ""))
        for f in fields
    )
    return markdown_table(("column", "type", "meaning"), rows)


def _lane_rows() -> Iterator[Sequence[str]]:
    for name, described in LANE_LISTS.items():
        more = [column for column in described.columns if column not in RISK_LIST]
        less = [column for column in RISK_LIST if column not in described.columns]
        columns = f"the risk list's without {', '.join(less)}; with {', '.join(more)}"
        if len(less) > len(described.columns):
            columns = ", ".join(described.columns)
        yield name, described.description, columns


if __name__ == "__main__":
    _PAGE.write_text(outputs_page(_PAGE.read_text("utf-8")), encoding="utf-8")
