"""Table profile: figures only, no value of a customer's text is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: nulls, and what can be said of its values without naming one.

    ``low`` and ``high`` are the least and the greatest value of numbers and dates. ``median`` is
    that of the positive numbers (to within 5 %); ``jump`` is the newest month's median over that
    of the twelve months before. ``mixed`` is how much more of the newest
    month lies a power of ten away from the usual values than ever before. ``values`` counts the
    most frequent words by their digests. ``constant`` is the one value of a number or flag that
    the source gives for each of many events.
    """

    nulls: int
    low: str | None = None
    high: str | None = None
    median: float | None = None
    jump: float | None = None
    mixed: float | None = None
    values: Mapping[str, int] = field(default_factory=dict)
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many ``rows`` have two dates out of order, ``of`` those that have both.

    ``first`` names the first of them by file and row number.
    """

    rows: int
    of: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class TableProfile:
    """One table: its columns, rows alike but for their key, and counts of what contradicts.

    ``orders`` counts rows whose dates are out of order, for each order that could be looked at,
    ``orphans`` references to rows that another table does not have, ``days`` rows by local day of
    what happened (not of plans and dimensions), ``lag`` the median of the days from an event until
    it is known. ``bulk`` is, where ``known_at`` is given, the share of rows that became known
    about a day long after they had happened, by that day.
    """

    columns: Mapping[str, ColumnProfile]
    alike: int = 0
    orders: Mapping[str, OrderCount] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    bulk: Mapping[str, float] = field(default_factory=dict)
    lag: int | float = 0.0  # an integer stays one when it is read again
