"""View model of the night's report: plain values without words, formats or customers.

So the page and the charts need no table, and a test gives them by hand. What monitoring and
`stille effect` have stored is told as it stands in their files.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from models.causal.contact_value import SavedShare
from pipelines.config.measurement import MeasurementFile
from pipelines.publication.status import Notice, Tone, tone_of
from pipelines.runtime.run_record import Gate


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Whose night it was. ``data_until`` is the day of the newest event in any table."""

    company: str
    as_of: date
    model: str
    lead_days: int
    horizon_days: int
    data_until: date | None
    notices: tuple[Notice, ...]

    @property
    def tone(self) -> Tone:
        return tone_of(self.notices)


@dataclass(frozen=True, slots=True)
class Tonight:
    """The night in numbers; ``leavers`` is how many are expected to leave within the horizon.

    ``value`` is what the calls are expected to bring at the low and at the high acquisition
    multiple, in major units of ``currency``, if contacts save the share ``saved`` of leavers; None
    without economics. ``called_new`` were not on the list of the day ``before``, None for none;
    ``written`` are written to instead.
    """

    customers: int
    leavers: float
    called: int
    called_new: int
    before: date | None
    called_leavers: float
    written: int
    silent: int
    value: tuple[float, float] | None
    currency: str
    capacity_minutes: float
    calling_hours: tuple[str, str] | None
    actions: tuple[tuple[str, int], ...]
    saved: SavedShare | None


@dataclass(frozen=True, slots=True)
class DriverShare:
    """Share of the explained customers whose strongest reason this is, now and in ``before``."""

    driver: str
    share: float
    before: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The strongest reasons among the explained customers of a product line or a segment."""

    kind: Literal["product_line", "segment"]
    name: str
    customers: int
    drivers: tuple[DriverShare, ...]


@dataclass(frozen=True, slots=True)
class RiskReasons:
    """Reasons: ``before`` is the earlier night they are compared with, ``mean_change`` the mean
    change of the probability since then, over the customers of both nights; both may be None.
    """

    explained: int
    before: date | None
    mean_change: float | None
    drivers: tuple[DriverShare, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class TableHealth:
    """One table: rows that count, rows set aside, and its newest event."""

    table: str
    rows: int
    set_aside: int
    newest: date | None


@dataclass(frozen=True, slots=True)
class Health:
    """The data behind the night; ``drift_limit`` is for the drift that monitoring has stored."""

    tables: tuple[TableHealth, ...]
    gates: tuple[Gate, ...]
    qualities: tuple[tuple[str, int], ...]
    drift_limit: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the report tells. None: there is nothing yet to tell of, which it says.

    ``reach`` gives customers at highest risk, and how many of those expected to leave are among
    them. ``monitored`` and ``contact`` are what the newest monitoring and the newest
    `stille effect` have stored, as docs/monitoring.md describes it. ``causes`` are rows of the list
    of causes. ``lanes`` counts customers by lane, ``rules`` by lane and the rule that kept them off
    the call list.
    """

    run: RunFacts
    tonight: Tonight
    reach: tuple[tuple[int, float], ...]
    reasons: RiskReasons
    monitored: MeasurementFile
    contact: MeasurementFile
    causes: list[dict[Hashable, Any]]
    lanes: tuple[tuple[str, int], ...]
    rules: tuple[tuple[str, str, int], ...]
    health: Health

    @property
    def effects(self) -> list[dict[str, Any]]:
        """The arms against each other: of everybody, by lane, and where contact harms."""
        return [
            each
            for each in (self.contact.data or {}).get("effects", ())
            if (each["kind"] in ("all", "lane") and each["treated"] and each["held_out"])
            or each["verdict"] == "more_leave"
        ]
