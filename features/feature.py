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
from typing import Any, Literal, TypeVar

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


_Part = TypeVar("_Part", Stream, Feature)


@dataclass(slots=True)
class Family:
    """The streams and features of one driver family, in the order declared.

    ``words`` are texts that stand in SQL as ``{word}``.
    """

    name: str
    words: dict[str, str] = field(default_factory=dict)
    streams: list[Stream] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)

    def fill(self, text: str, **words: str) -> str:
        """SQL with the words that it names: its own ``words`` and those of the family."""
        for word, meaning in (*words.items(), *self.words.items()):
            text = text.replace(f"{{{word}}}", meaning)
        return text

    def stream(
        self, name: str, *, sql: str, words: Mapping[str, str] | None = None, **others: Any
    ) -> None:
        """Declare a ``Stream`` by its fields; without ``reads`` it reads the table of its name.

        ``words`` of its own tell it from another stream with the same ``sql``.
        """
        fields = {"reads": [name], **others, "name": name, "sql": self.fill(sql, **words or {})}
        self.streams.append(self._build(Stream, name, fields))

    def declare(self, *, driver: Mapping[str, Any], **features: Mapping[str, Any]) -> None:
        """Declare features by name; each has the fields of its ``driver`` but for its own.

        These are fields of ``Feature``; the ``name`` of the driver is the code of its reason.
        Instead of an expression a feature has ``sql``: the aggregate, and its condition behind
        ``where``. It is declared once per window of ``days`` (``name_30d``, …), or once for all
        time. One that counts has the unit count and is 0 without rows. ``needs`` names columns
        (``table.column``) that stand behind a name derived in the stream, and whose absence would
        be mistaken for something that happened, or that did not.

        With ``fact`` in place of ``sql`` it is a value, by default a date, that a reason's
        sentence quotes and no model sees; with ``part``, one that only combinations see. With
        ``of`` or ``maybe`` it is a combination of columns already cut, of any family: it is left
        out with any column of ``of``, or with all of ``maybe`` where that is empty; a missing one
        of ``maybe`` is null. Combinations do not build on each other.

        Raises ``ValueError`` when a name is declared twice, or a field is unknown or missing.
        """
        for name, own in features.items():
            form = next((form for form in _FORMS if form in own), None)
            if form is None:
                raise ValueError(f"{name!r} in {self.name!r}: no sql, fact or part")
            expression, _, where = self.fill(own[form]).partition(" where ")
            fields = {"unit": "count", **driver, "driver": driver["name"], **_FORMS[form]}
            if own.keys() & {"of", "maybe"}:
                fields |= {"stream": "", "fill": None, "needs": ()}
            fields |= {key: value for key, value in own.items() if key != form}
            fields |= {"family": self.name, "expression": expression, "where": where or "true"}
            if form == "sql" and expression.startswith("count("):
                fields |= {"unit": "count", "fill": 0}
            for window in fields.pop("days", [None]):
                column = name if window is None else f"{name}_{window}d"
                if any(other.name == column for other in self.features):
                    raise ValueError(f"feature {column!r} is declared twice in {self.name!r}")
                named = fields | {"name": column, "window": window}
                self.features.append(self._build(Feature, name, named))

    def _build(self, kind: type[_Part], name: str, fields: Mapping[str, Any]) -> _Part:
        """A stream or feature of plain values, whose lists become tuples."""
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        try:
            return kind(**plain)
        except TypeError as error:
            raise ValueError(f"{name!r} in {self.name!r}: {error}") from error


_FORMS: Mapping[str, Mapping[str, Any]] = {
    "sql": {"kind": "number"},
    "fact": {"kind": "fact", "unit": "date", "source": "", "sign": 0, "fill": None},
    "part": {"kind": "part", "fill": None},
}


def attribute(
    name: str, kind: Kind, family: str, driver: str, unit: str, sign: Sign, doc: str
) -> Feature:
    """A feature that is a column of a flat customer table, ``attr_…``, as it stands."""
    origin = ("customers", f'max("{name}")', doc, unit, "configuration")
    return Feature(name, *origin, driver=driver, family=family, sign=sign, kind=kind)
