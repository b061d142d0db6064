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
from typing import Literal

Sign = Literal[-1, 0, 1]
Kind = Literal["number", "category", "fact", "part"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A derived table of facts.

    ``sql`` selects from the tables named in ``reads`` (and ``optional``, which are empty when
    the company has none), and from ``stream_<name>`` of the streams named in ``bases``, which
    are derived before it. ``reveals`` maps a column to the column holding the instant from
    which the company could know it (``known_<table>(moment)`` of a moment in a table): until
    then the matrix shows null. Where a table may have versions, the stream reads
    ``versions_<table>()`` and carries its ``replaced_at``, from which a row counts no more. A
    stream that is not ``per_customer`` says the same to everybody: it is cut to one row.
    """

    name: str
    reads: tuple[str, ...]
    sql: str
    optional: tuple[str, ...] = ()
    reveals: Mapping[str, str] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    per_customer: bool = True


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix.

    ``expression`` is one aggregate, to which the FILTER of ``where`` and ``window`` is added at
    its end, or at each ``{filter}`` when it names one. It may also name ``{as_of}`` (instant),
    ``{as_of_day}`` (date) and ``{edge_day}``, the day on which the window opens; a feature that
    names the edge cuts its own window. ``window`` is in days, null for all time.
    ``sign`` is +1 when more raises risk, -1 when it lowers it, 0 when left free.
    ``fill`` is what no row means: 0 when nothing happened, null when it is unknown.

    A combination has no stream: its expression is over the columns named in ``of``, and in
    ``maybe``, which are null when the company's tables cannot carry them. A ``part`` is such a
    column that is no feature of its own and not in the matrix.
    """

    name: str
    stream: str
    expression: str
    where: str
    window: int | None
    unit: str
    sign: Sign
    fill: float | None
    doc: str
    source: str
    driver: str
    family: str
    kind: Kind = "number"
    needs: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()


@dataclass(slots=True)
class Family:
    """Features of one driver family, collected by ``add`` and ``fact``.

    What the features of a driver share is said once: ``wait = partial(FAMILY.add, WAITS, …)``.
    """

    name: str
    features: list[Feature] = field(default_factory=list)

    def add(
        self,
        stream: Stream,
        name: str,
        expression: str,
        *,
        driver: str,
        unit: str,
        doc: str,
        source: str,
        sign: Sign = 0,
        where: str = "true",
        windows: tuple[int, ...] = (),
        fill: float | None = None,
        kind: Kind = "number",
        needs: tuple[str, ...] = (),
    ) -> None:
        """Declare a feature, once per window in days (``name_30d``, …) or once for all time.

        ``needs`` names tables and columns (``table.column``) whose absence would be mistaken for
        something that happened, such as a notice that was never given.
        Raises ``ValueError`` when a name is declared twice.
        """
        for window in windows or (None,):
            self._declare(
                Feature(
                    name=name if window is None else f"{name}_{window}d",
                    stream=stream.name,
                    expression=expression,
                    where=where,
                    window=window,
                    unit=unit,
                    sign=sign,
                    fill=fill,
                    doc=doc,
                    source=source,
                    driver=driver,
                    family=self.name,
                    kind=kind,
                    needs=needs,
                )
            )

    def fact(
        self,
        stream: Stream,
        name: str,
        expression: str,
        *,
        driver: str,
        doc: str,
        unit: str = "date",
        where: str = "true",
        needs: tuple[str, ...] = (),
    ) -> None:
        """Declare a value that a reason's sentence quotes and no model sees."""
        self.add(
            stream,
            name,
            expression,
            driver=driver,
            unit=unit,
            doc=doc,
            source="",
            where=where,
            kind="fact",
            needs=needs,
        )

    def part(
        self,
        stream: Stream,
        name: str,
        expression: str,
        *,
        unit: str,
        doc: str,
        where: str = "true",
    ) -> None:
        """Declare a value that only combinations see."""
        self.add(
            stream,
            name,
            expression,
            driver="",
            unit=unit,
            doc=doc,
            source="",
            where=where,
            kind="part",
        )

    def combine(
        self,
        name: str,
        expression: str,
        *,
        of: tuple[str, ...],
        driver: str,
        unit: str,
        doc: str,
        source: str = "",
        maybe: tuple[str, ...] = (),
        sign: Sign = 0,
        fill: float | None = None,
        kind: Kind = "number",
    ) -> None:
        """Declare a feature, or a fact, of columns already cut, of any family.

        It is left out with any column of ``of``; one of ``maybe`` is then null. Combinations do
        not build on each other.
        """
        self._declare(
            Feature(
                name=name,
                stream="",
                expression=expression,
                where="true",
                window=None,
                unit=unit,
                sign=sign,
                fill=fill,
                doc=doc,
                source=source,
                driver=driver,
                family=self.name,
                kind=kind,
                of=of,
                maybe=maybe,
            )
        )

    def _declare(self, feature: Feature) -> None:
        if any(known.name == feature.name for known in self.features):
            raise ValueError(f"feature {feature.name!r} is declared twice in {self.name!r}")
        self.features.append(feature)
