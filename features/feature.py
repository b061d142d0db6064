"""How a stream, a feature and a fact are declared.

A stream is derived once from the contract's tables: narrow, one row per fact, with
``customer_id``, ``event_at``, ``known_at`` and, where an aggregate asks for the latest row, a
``seq`` unique per customer in the order the company came to know its rows. A derivation looks
back in that order only, so no later-known row can change an earlier one. A feature is one
aggregate over the rows of a stream that had happened and were known before the as-of date, or
a combination of columns cut that way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Sign = Literal[-1, 0, 1]
Kind = Literal["number", "category", "fact", "part"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A derived table of facts.

    ``sql`` selects from the tables named in ``reads`` (and ``optional``, which are empty when
    the company has none), and from ``stream_<name>`` of the streams named in ``bases``, which
    are derived before it. ``needs`` names optional columns without which its rows would say what
    did not happen, as an outbound call taken for the customer's.

    ``reveals`` maps a column to the column holding the instant from which the company could know
    it (``known_<table>(moment)`` of a moment in a table): until then the matrix shows null. Where
    a table may have versions, the stream reads ``versions_<table>()`` and carries its
    ``replaced_at``, from which a row counts no more; a stream of ``versions`` makes that column
    itself.
    ``as_known`` names tables, read by it or by its bases, whose rows of one key replace each other
    although it looks over several rows: it is derived for each as-of date from what was known.
    """

    name: str
    reads: tuple[str, ...]
    sql: str
    optional: tuple[str, ...] = ()
    reveals: Mapping[str, str] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    as_known: tuple[str, ...] = ()
    versions: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix.

    ``expression`` is one aggregate, to which the FILTER of ``where`` and ``window`` is added at
    its end, or at each ``{filter}`` when it names one. It may also name ``{as_of}`` (instant),
    ``{as_of_day}`` (date) and ``{edge_day}``, the day on which the window opens; a feature that
    names the edge cuts its own window. ``window`` is in days, null for all time.
    ``sign`` is +1 when more raises risk, -1 when it lowers it, 0 when left free.
    ``fill`` is what no row means: 0 when nothing happened, null when it is unknown.

    It needs the optional columns of its stream's tables that its expression names, what its
    stream needs, and what ``needs`` adds for a name that the stream derives.

    A combination has no stream: its expression is over the columns named in ``of``, and in
    ``maybe``, which are null when the company's tables cannot carry them, and not all of them
    where ``of`` is empty. A ``part`` is such a column that is no feature of its own and not in
    the matrix.
    """

    name: str
    stream: str
    expression: str
    doc: str
    unit: str
    source: str
    driver: str
    family: str
    sign: Sign = 0
    fill: float | None = None
    where: str = "true"
    window: int | None = None
    kind: Kind = "number"
    needs: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()


@dataclass(slots=True)
class Family:
    """The streams and features of one driver family, in the order declared."""

    name: str
    features: list[Feature] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def stream(self, name: str, *, reads: tuple[str, ...] = (), **declared: Any) -> Stream:
        """Declare a ``Stream`` by its fields; without ``reads`` it reads the table of its name."""
        stream = Stream(name=name, reads=reads or (name,), **declared)
        self.streams.append(stream)
        return stream

    def part(
        self,
        stream: Stream,
        name: str,
        expression: str,
        unit: str,
        doc: str,
        needs: tuple[str, ...] = (),
    ) -> None:
        """Declare a value that only combinations see."""
        Driver(self, stream, "", "")(name, expression, doc, unit=unit, kind="part", needs=needs)

    def declare(self, feature: Feature) -> None:
        """Add a feature; raises ``ValueError`` when its name is declared twice."""
        if any(other.name == feature.name for other in self.features):
            raise ValueError(f"feature {feature.name!r} is declared twice in {self.name!r}")
        self.features.append(feature)


@dataclass(frozen=True, slots=True)
class Driver:
    """What a family's features of one driver in one stream share: the defaults of their calls.

    ``wait = Driver(FAMILY, WAITS, "wait", "S3 §4", unit="s", sign=1)``, then ``wait(…)``.
    ``needs`` names columns (``table.column``) that stand behind a name derived in the stream, and
    whose absence would be mistaken for something that happened, or that did not.
    """

    family: Family
    stream: Stream
    name: str
    source: str
    unit: str = "count"
    sign: Sign = 0
    fill: float | None = None
    needs: tuple[str, ...] = ()

    def __call__(
        self,
        name: str,
        expression: str,
        doc: str,
        *,
        windows: tuple[int, ...] = (),
        unit: str | None = None,
        sign: Sign | None = None,
        fill: float | None = None,
        source: str | None = None,
        kind: Kind = "number",
        needs: tuple[str, ...] | None = None,
    ) -> None:
        """Declare a feature, once per window in days (``name_30d``, …) or once for all time.

        ``expression`` is an aggregate, and its condition behind ``where``. A feature that counts
        has the unit count and is 0 without rows.
        """
        aggregate, _, where = expression.partition(" where ")
        if kind == "number" and aggregate.startswith("count("):
            unit, fill = "count", 0
        elif kind == "number" and fill is None:
            fill = self.fill
        for window in windows or (None,):
            self._declare(
                name=name if window is None else f"{name}_{window}d",
                stream=self.stream.name,
                expression=aggregate,
                doc=doc,
                unit=unit,
                source=source,
                sign=sign,
                fill=fill,
                where=where or "true",
                window=window,
                kind=kind,
                needs=self.needs if needs is None else needs,
            )

    def fact(self, name: str, expression: str, doc: str, unit: str = "date", **needs: Any) -> None:
        """Declare a value that a reason's sentence quotes and no model sees."""
        self(name, expression, doc, unit=unit, sign=0, source="", kind="fact", **needs)

    def combine(
        self, name: str, expression: str, doc: str, *, kind: Kind = "number", **others: Any
    ) -> None:
        """Declare a feature, or a fact, of columns already cut, of any family.

        It is left out with any column of ``of``, or with all of ``maybe`` where that is empty; a
        missing one of ``maybe`` is null. Combinations do not build on each other. ``others`` are
        fields of ``Feature``.
        """
        others |= {"sign": 0, "source": ""} if kind == "fact" else {}
        self._declare(name=name, stream="", expression=expression, doc=doc, kind=kind, **others)

    def _declare(self, **fields: Any) -> None:
        """Add a feature of the driver; a unit, source or sign of None is the driver's."""
        shared = {"unit": self.unit, "source": self.source, "sign": self.sign}
        own = {name: value for name, value in fields.items() if value is not None}
        self.family.declare(Feature(driver=self.name, family=self.family.name, **(shared | own)))
