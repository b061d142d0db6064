"""How a stream, a feature and a fact are declared.

A stream is derived once from the contract's tables: narrow, one row per fact, with
``customer_id``, ``event_at``, ``known_at`` and, where an aggregate asks for the latest row, a
``seq`` unique per customer in the order the company came to know its rows. A derivation looks
back in that order only, so no later-known row can change an earlier one. A feature is one
aggregate over the rows of a stream that had happened and were known before the as-of date, or
a combination of columns cut that way.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from features.declarations import read_declarations

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

    def read(self, module: str, **words: str) -> None:
        """Declare the features of the YAML file beside ``module`` (its ``__file__``).

        The file is a list of the arguments of ``declare``; ``words`` stand in its expressions as
        ``{word}``.
        """
        for drivers in read_declarations(Path(module).with_suffix(".yaml")):
            self.declare(words=words, **drivers)

    def declare(
        self, *, driver: Mapping[str, Any], words: Mapping[str, str] | None = None, **features: Any
    ) -> None:
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
        for name, declared in features.items():
            for feature in _columns(self.name, driver, name, declared, words or {}):
                if any(other.name == feature.name for other in self.features):
                    raise ValueError(f"feature {name!r} is declared twice in {self.name!r}")
                self.features.append(feature)


_FIELDS = tuple(each.name for each in fields(Feature))
_FORMS: Mapping[str, Mapping[str, Any]] = {
    "sql": {"kind": "number"},
    "fact": {"kind": "fact", "unit": "date", "source": "", "sign": 0, "fill": None},
    "part": {"kind": "part", "fill": None},
}


def _columns(
    family: str,
    driver: Mapping[str, Any],
    name: str,
    declared: Mapping[str, Any],
    words: Mapping[str, str],
) -> Iterator[Feature]:
    """The columns of a declared feature: one a window."""
    own = dict(declared)
    forms = [form for form in _FORMS if form in own]
    unknown = own.keys() - {*_FORMS, *_FIELDS, "days"}
    if unknown or len(forms) != 1:
        wrong = f"no field is called {', '.join(sorted(unknown))}" if unknown else "has no one text"
        raise ValueError(f"feature {name!r} in {family!r}: {wrong}; needs sql, fact or part")
    form = forms[0]
    text = str(own.pop(form))
    for word, meaning in words.items():
        text = text.replace(f"{{{word}}}", meaning)
    expression, _, where = text.partition(" where ")
    values = {"unit": "count", **driver, "driver": driver["name"], **_FORMS[form]}
    if own.keys() & {"of", "maybe"}:
        values |= {"stream": "", "fill": None, "needs": ()}
    values |= {"family": family, "expression": expression, "where": where or "true", **own}
    if form == "sql" and expression.startswith("count("):
        values |= {"unit": "count", "fill": 0}
    values = {key: tuple(each) if isinstance(each, list) else each for key, each in values.items()}
    for window in values.pop("days", [None]):
        column = name if window is None else f"{name}_{window}d"
        yield Feature(**values | {"name": column, "window": window})
