"""Table profile: figures only, no value of a customer's text is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column: nulls, and what can be said of its values without naming one.

    ``low`` and ``high`` are of numbers and dates. ``median`` is that of the positive numbers (to
    within 5 %); ``jump`` is the newest month's over that of the twelve months before; ``mixed`` is
    how much more of it lies a power of ten away than ever before. ``values`` counts the most
    frequent words by their digests. ``constant`` is the one value of a number or flag given for
    each of many events.
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
    """``rows`` with two dates out of order, ``of`` those that have both, and the ``first`` row."""

    rows: int
    of: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class TableProfile:
    """One table: its columns, rows alike but for their key, and counts of what contradicts.

    ``orders`` counts rows whose dates are out of order, ``orphans`` references to rows that another
    table does not have, ``days`` rows by local day of what happened, ``lag`` is the median of the
    days until an event is known. ``bulk`` is the share of rows that became known about a day long
    after they had happened, by that day, where ``known_at`` is given.
    """

    columns: Mapping[str, ColumnProfile]
    alike: int = 0
    orders: Mapping[str, OrderCount] = field(default_factory=dict)
    orphans: Mapping[str, int] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    bulk: Mapping[str, float] = field(default_factory=dict)
    lag: int | float = 0.0  # an integer stays one when it is read again
