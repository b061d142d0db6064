"""View model of the night's report: plain values without words, formats or customers.

So the page and the charts need no table, and a test gives them by hand. What monitoring and
`stille effect` have stored is read back here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from models.causal.contact_value import SavedShare
from models.causal.treatment_effect import Effect
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected
from pipelines.config.measurement import MeasurementFile
from pipelines.publication.status import Notice, Tone, tone_of
from pipelines.runtime.run_record import Gate

Basis = Literal["measured_fewer", "measured_none", "measured_more", "not_measured"]


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
        """The most serious of the notices."""
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
class Reach:
    """The ``customers`` at highest risk, and how many of those expected to leave are among them."""

    customers: int
    leavers: float


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
class Past:
    """What monitoring found of lists whose horizon is complete."""

    measured_on: date
    lists: tuple[date, ...]
    waiting: int
    whole: ObservedExpected
    capacity: ObservedExpected
    tenths: tuple[ObservedExpected, ...]
    card: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Contact:
    """Does contacting help: as measured on a day, and how many wait for their horizon."""

    measured_on: date
    waiting: int
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """A driver: customers whose risk would fall without it, and how many fewer would leave.

    ``value`` is of those leavers at the low acquisition multiple; None without economics.
    """

    driver: str
    customers: int
    leavers: float
    value: float | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class Peace:
    """Customers by lane, and by the rule that kept them off the call list: lane, rule, count."""

    lanes: tuple[tuple[str, int], ...]
    rules: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class TableHealth:
    """One table: rows that count, rows set aside, and its newest event."""

    table: str
    rows: int
    set_aside: int
    newest: date | None


@dataclass(frozen=True, slots=True)
class Health:
    """The data behind the night; ``drift`` is by family, largest first, of the monitoring."""

    tables: tuple[TableHealth, ...]
    gates: tuple[Gate, ...]
    qualities: tuple[tuple[str, int], ...]
    drift_on: date | None
    drift: tuple[tuple[str, float], ...]
    drift_limit: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the report tells. None: there is nothing yet to tell of, which it says.

    ``monitored_on`` is the newest monitoring, also where it had no complete horizon to judge;
    ``overrides`` and ``parity`` are its own, as docs/monitoring.md describes them.
    """

    run: RunFacts
    tonight: Tonight
    reach: tuple[Reach, ...]
    reasons: RiskReasons
    monitored_on: date | None
    past: Past | None
    overrides: Mapping[str, Any] | None
    parity: Mapping[str, Any] | None
    contact: Contact | None
    causes: tuple[Cause, ...]
    answers: tuple[Mapping[str, Any], ...]
    peace: Peace
    health: Health


_GROUPS = ("all", "lane")
_HARM = "more_leave"


def past_of(monitored: MeasurementFile) -> Past | None:
    """What became of past lists; None without a complete horizon."""
    data = monitored.data
    if monitored.day is None or data is None or data["performance"] is None:
        return None
    found = data["performance"]
    return Past(
        measured_on=monitored.day,
        lists=tuple(date.fromisoformat(day) for day in data["publications"]["complete"]),
        waiting=len(data["publications"]["immature"]),
        whole=_outcome(found["all"]),
        capacity=_outcome(found["at_capacity"]),
        tenths=tuple(_outcome(tenth) for tenth in found["tenths"]),
        card={name: Interval(**interval) for name, interval in found["scorecard"].items()},
    )


def contact_of(measured: MeasurementFile) -> Contact | None:
    """The arms against each other: of everybody, by lane, and where contact harms."""
    if measured.day is None or measured.data is None:
        return None
    effects = (
        Effect(**each | {name: Interval(**each[name]) for name in ("difference", "complier")})
        for each in measured.data["effects"]
    )
    shown = (
        each
        for each in effects
        if (each.kind in _GROUPS and each.treated and each.held_out) or each.verdict == _HARM
    )
    return Contact(measured.day, measured.data["waiting"], tuple(shown))


def _outcome(data: dict[str, Any]) -> ObservedExpected:
    ratio = Interval(**data["observed_to_expected"])
    return ObservedExpected(data["name"], data["rows"], data["expected"], data["observed"], ratio)
