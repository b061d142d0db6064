"""The data contract: what a company's tables mean, column by column, read from ``contract.yaml``.

One declaration, from which validation, the documentation page and the JSON Schema are made.
Every row of every event table carries two instants, computed when the snapshot is written:
``event_at``, when it happened, and ``known_at``, when it could be known (never before it
happened). Both are naive UTC timestamps; a date counts from its local midnight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, TypeAdapter, ValidationError

ColumnType = Literal["text", "integer", "number", "money", "price", "boolean", "date", "instant"]

DUCKDB_TYPES: Mapping[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "money": "BIGINT",
    "price": "DECIMAL(18,6)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "instant": "TIMESTAMP",
}

POSSIBLE_DAYS = (date(1900, 1, 1), date(2199, 12, 31))
"""First and last day that can be true: outside lie fillers and misread centuries."""


def read_declarations(file: Path) -> Any:
    """Declarations in YAML, as plain values; raises ``YAMLError`` with the line that is none."""
    with file.open(encoding="utf-8") as text:
        # Both loaders are safe; the one in C is some ten times as fast, and most installations
        # have it.
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (both are safe loaders)


_FILE = Path(__file__).with_name("contract.yaml")
_DECLARED = read_declarations(_FILE)
_WORDS = {name: tuple[str, ...](words) for name, words in _DECLARED["words"].items()}

FORBIDDEN_COLUMNS: Mapping[str, str] = _DECLARED["forbidden"]
PRODUCT_LINES = _WORDS["product_lines"]
CHANNELS = _WORDS["channels"]
OUTCOMES = _WORDS["outcomes"]
PAYMENT_METHODS = _WORDS["payment_methods"]
REASON_KINDS = _WORDS["reason_kinds"]
LINKS = _WORDS["links"]
MASTER_DATA = _WORDS["master_data"]

PRICE_NOTICE = dict.fromkeys(PRODUCT_LINES, 30)
"""Days of notice of a price rise: for electricity by Norway's price information regulation, for
telecom by art. 105 of the European code; an insurance premium rises at the renewal."""


Names = Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract.

    Words of the ``vocabulary`` have names in every language of the lists, and a company may have
    others beside them; ``allowed`` words are all there are.
    ``money`` is integer minor units (øre, cents); ``price`` is a decimal in major units.
    ``minimum`` and ``maximum`` bound what is possible, both inclusive, in the column's own unit;
    a date or instant lies within ``POSSIBLE_DAYS``.
    ``revealed_by`` names the column of the same row whose moment makes this value known:
    before it, features see null. With ``at_once`` a row without that moment has the value from
    the start, so that a company which writes it once and for all need not give the moment.
    """

    name: str
    doc: str
    type: ColumnType
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    revealed_by: str | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    ``event_at`` lists the columns whose earliest non-null value is when the row happened.
    ``planned`` tables may hold events that lie ahead, such as a contract that starts next
    month. ``derived`` tables are never given: they are made from others when the snapshot is
    taken. Tables without ``customer_id`` are small dimensions, given whole to every shard.
    Of ``versions`` tables, which may have rows of one key that replace each other, every stream
    takes the rows one by one, by ``versions_<table>()``, and carries ``replaced_at``.
    """

    name: str
    doc: str
    key: Names
    event_at: Names
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    required: bool = False
    planned: bool = False
    derived: bool = False
    versions: bool = False

    @property
    def per_customer(self) -> bool:
        return any(column.name == "customer_id" for column in self.columns)

    @property
    def may_have_versions(self) -> bool:
        """Whether rows of one key may replace each other: those of events that features read.

        Who is a customer, and what is allowed, is read beside the features, from whole tables.
        """
        return self.per_customer and not self.derived and self.name not in _WITHOUT_VERSIONS

    def column(self, name: str) -> Column:
        """Return the column called ``name``; raises ``KeyError`` when the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")


_WITHOUT_VERSIONS = (
    *("customers", "contracts", "terminations", "labels", "households", "master_data"),
    *("consents", "reservations"),
)

_UNITS = {"money": "minor", "price": "major"}
_READERS: Mapping[Any, TypeAdapter[Any]] = {part: TypeAdapter(part) for part in (Column, Table)}
_Part = TypeVar("_Part", Column, Table)


def _part(of: type[_Part], place: str, declared: Mapping[str, Any]) -> _Part:
    """A column or table of its fields; raises ``ValueError``: where, and what is wrong."""
    try:
        part: _Part = _READERS[of].validate_python(declared, extra="forbid")
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError(f"{place}: {'; '.join(wrong)}.") from error
    return part


def _column(place: str, name: str, declared: Any) -> Column:
    values = declared if isinstance(declared, dict) else {}
    unit = _UNITS.get(str(values.get("type")), "")
    return _part(Column, f"{place}, column {name}", {"name": name, "unit": unit, **values})


def _table(name: str, declared: Any) -> Table:
    """A table whose rows happen at the first of their required times, unless ``event_at`` says.

    A ``key`` of one name is a column of its own, before the customer's.
    """
    place = f"{_FILE}, table {name}"
    values = {"columns": None, "key": None, **(declared or {})}
    columns = [_column(place, *each) for each in (values["columns"] or {}).items()]
    key = values["key"]
    if isinstance(key, str):
        columns = [_column(place, key, _DECLARED["columns"]["key"]), CUSTOMER_ID, *columns]
        key = [key]
    times = [c.name for c in columns if c.required and c.type in ("date", "instant")]
    values |= {"name": name, "key": key, "columns": columns}
    return _part(Table, place, {"event_at": times[:1], **values})


CUSTOMER_ID = _column(str(_FILE), "customer_id", _DECLARED["columns"]["customer_id"])
TABLES: Mapping[str, Table] = {
    name: _table(name, declared) for name, declared in _DECLARED["tables"].items()
}
