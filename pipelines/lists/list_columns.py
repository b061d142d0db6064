"""Schema of the customer lists: every column, and which list has which.

Declared once in ``lists.yaml``, so that CSV, Parquet, documentation and titles cannot differ.
"""

import pandas as pd
from pydantic import Field

from pipelines.config.sections import Section
from pipelines.lists.contact import BLOCK_REASONS, CONTACT_CHANNELS
from pipelines.lists.lanes import ARMS, LANES, RULES
from pipelines.publication.manifest import DECLARED, columns

SCHEMA_VERSION = "1"
REASONS = 3
BANDS = ("low", "medium", "high", "very_high")
QUALITIES = ("ok", "partial", "cold_start")
FIELDS = columns(
    "risk_list",
    risk_band=BANDS,
    lane=LANES,
    lane_rule=(*RULES,),
    use_channel=CONTACT_CHANNELS,
    contact_block_reason=BLOCK_REASONS,
    arm=ARMS,
    data_quality=QUALITIES,
)

EMPTY_LEFT_OUT = frozenset(
    {"segment", "open_case_id", "binding_until", "last_contact_on", "preferred_channel", "team"}
)
"""Columns that are left out where the company has no data for them."""

_OF_SOME_LISTS = ("call_rank", "lane_rule_source", "minutes", "call_from", "call_until")


def _all_but(*names: str) -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS if field.name not in names)


class LaneList(Section):
    """The list of one lane, or of its part to ``phone`` or write to.

    Its ``columns`` are some of ``FIELDS``, by default all ``without`` some.
    """

    lane: str
    description: str
    phone: bool | None = None
    without: tuple[str, ...] = ()
    columns: tuple[str, ...] = Field(default_factory=lambda data: _all_but(*data["without"]))

    def members(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Its rows of the risk list, the called by rank, the others riskiest first."""
        found = rows[rows["lane"].eq(self.lane)]
        if self.phone is not None:
            found = found[found["use_channel"].eq("phone").eq(self.phone)]
        texts = found.select_dtypes("category").columns
        return found.sort_values("call_rank", kind="stable").astype(dict.fromkeys(texts, "str"))


ALL = _all_but()
RISK_LIST = _all_but(*_OF_SOME_LISTS)
LANE_LISTS = {name: LaneList(**given) for name, given in DECLARED["lane_lists"].items()}
