"""Source declarations: location, format, text dialect and column mapping of a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from unicodedata import normalize

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipelines.config.sections import Section, known_zone


def composed(text: str) -> str:
    """Text with its letters composed (NFC), as names of columns are compared.

    >>> composed("pa\u030abegynt") == "p\u00e5begynt"
    True
    """
    return normalize("NFC", text)


Composed = Annotated[str, AfterValidator(composed)]
DurationForm = Literal["milliseconds", "minutes", "hours", "days", "mm:ss", "hh:mm"]


class ColumnMap(Section):
    """Where a contract column comes from: source columns, a constant, or the row's number.

    The texts of several ``columns`` are joined by ``join`` before they are read, as a date and
    a time that make one instant are; null when one of them is. ``duration`` says how a column
    of seconds is written where it is neither in seconds nor ``hh:mm:ss``; a spreadsheet's
    times are ``days``. ``static`` and ``mutable`` say of a customer's segment what they say of
    an ``Attribute``.
    """

    column: Composed | None = None
    columns: tuple[Composed, ...] = ()
    join: str = " "
    value: str | None = None
    row_number: bool = False
    values: Mapping[Composed, str] = {}
    duration: DurationForm | None = None
    static: bool = False
    mutable: bool = False

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, entry: Any) -> Any:
        if isinstance(entry, str):
            return {"column": entry}
        if not isinstance(entry, dict):
            return entry
        # YAML reads 0, true, no and 2016-02-01 as its own types; what was written is meant.
        value, values = entry.get("value"), entry.get("values")
        if isinstance(value, bool | int | float | date):
            entry = {**entry, "value": constant_text(value)}
        if isinstance(values, dict):
            entry = {**entry, "values": {constant_text(key): name for key, name in values.items()}}
        return entry

    @model_validator(mode="after")
    def _one_origin(self) -> "ColumnMap":
        constant = "value" in self.model_fields_set
        origins = (self.column is not None, self.columns, constant, self.row_number)
        if sum(map(bool, origins)) != 1:
            raise ValueError("give exactly one of column, columns, value and row_number")
        return self

    @property
    def read(self) -> tuple[str, ...]:
        """The source columns that are read; none for a constant and a row's number."""
        return self.columns if self.column is None else (self.column,)


def constant_text(value: object) -> str:
    """A constant of the configuration as it was written, where YAML made a boolean of it.

    >>> constant_text(True), constant_text(0)
    ('true', '0')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


class Attribute(Section):
    """A column of the customer table that becomes a feature as it stands.

    Such a column has one value for all of time, so it must be ``static``: what it says now it
    said at every as-of date. One that is overwritten is ``mutable``, and only its history in
    ``master_data`` can be learned from. ``as_days`` reads a date and keeps it as days since
    1970-01-01; meant for tables with one as-of date, because such a number drifts with the
    calendar. ``range`` is what a number can be, both ends inclusive; a row outside is set aside.
    """

    column: Composed
    type: Literal["number", "category"]
    family: str = "relationship"
    driver: str = "profile"
    unit: str = ""
    sign: Literal[-1, 0, 1] = 0
    doc: str = ""
    as_days: bool = False
    range: tuple[float, float] | None = None
    values: Mapping[Composed, str] = {}
    static: bool = False
    mutable: bool = False

    @model_validator(mode="after")
    def _possible_range(self) -> "Attribute":
        if self.range is not None and (self.type != "number" or self.range[0] > self.range[1]):
            raise ValueError("range is [least, greatest] of a number")
        return self


FileKind = Literal["csv", "parquet", "duckdb"]
Kind = FileKind | Literal["postgres"]


@dataclass(frozen=True, slots=True)
class Format:
    """What a configuration has to know of a kind of source; ``pipelines.sources`` reads it.

    ``zone`` is that of naive instants: the company's, UTC, or None where it must be declared.
    """

    zone: Literal["company", "UTC"] | None
    suffix: str = ""
    has_tables: bool = False


FORMATS: Mapping[Kind, Format] = {
    "csv": Format("company", ".csv"),
    "parquet": Format("UTC", ".parquet"),
    "duckdb": Format(None, ".duckdb", has_tables=True),
    "postgres": Format(None),
}
SCHEMES: Mapping[str, Kind] = {"postgresql": "postgres", "postgres": "postgres"}
_NAME = r"[^\W\d][\w$]{0,62}"
_TABLE_NAME = re.compile(rf"({_NAME}\.)?{_NAME}")


def _table_name(name: str) -> str:
    if not _TABLE_NAME.fullmatch(name):
        raise ValueError("a table is named table or schema.table, in letters, digits and _")
    return name


Day = date  # by another name, as a dialect's date is a form
# Days that databases and languages write for "no end" and "no start".
_NULL_DATES = (
    *(date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1)),
    *(date(2099, 12, 31), date(2262, 4, 11), date(2999, 1, 1), date(2999, 12, 31)),
    *(date(3000, 1, 1), date(4712, 12, 31), date(9999, 1, 1), date(9999, 12, 31)),
)


class Dialect(Section):
    """How text files are written. Nothing of this is ever guessed from a file.

    ``skip_rows`` lines above the header are passed over. ``null_dates`` are days that stand for
    no date; they hold for every kind of source.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    date: str = "%Y-%m-%d"
    instant: str = "%Y-%m-%d %H:%M:%S"
    null_dates: tuple[Day, ...] = _NULL_DATES
    skip_rows: Annotated[int, Field(ge=0, le=1000)] = 0
    true_values: tuple[str, ...] = ("true",)
    false_values: tuple[str, ...] = ("false",)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError("not an encoding; for example utf-8, latin-1, cp1252") from error
        return encoding

    @field_validator("date", "instant")
    @classmethod
    def _with_a_year(cls, form: str) -> str:
        if not any(sign in form for sign in ("%Y", "%y", "%c", "%x")):
            raise ValueError("no year in it: %Y for one of four digits, %y of two")
        return form

    @model_validator(mode="after")
    def _distinct_signs(self) -> "Dialect":
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        return self


class Database(Section):
    """A table of a PostgreSQL database. ``uri`` is given as ``${VARIABLE}`` only.

    ``table`` is ``schema.table``, letter by letter as the database has it.
    """

    uri: SecretStr
    table: str

    @field_validator("uri")
    @classmethod
    def _known_scheme(cls, uri: SecretStr) -> SecretStr:
        scheme, found, _ = uri.get_secret_value().partition("://")
        if not found or scheme not in SCHEMES:
            raise ValueError("not a PostgreSQL address: postgresql://user:password@host/database")
        return uri

    @field_validator("table")
    @classmethod
    def _with_schema(cls, table: str) -> str:
        if "." not in table:
            raise ValueError("name the schema too: schema.table")
        return _table_name(table)

    @property
    def kind(self) -> Kind:
        """By the scheme of the address."""
        return SCHEMES[self.uri.get_secret_value().partition("://")[0]]


class Source(Section):
    """One table of the contract: where its rows are and how their columns map to the contract's.

    Rows are in files (``path``), in a table of DuckDB files (``path`` and ``table``) or in a
    database. ``static`` declares every attribute static at once. Rows in which a column of
    ``rows_with`` is null, or one of ``rows_without`` has one of its values, are left out and
    are no fault; so are, with ``duplicates: first``, the further rows of a key, as where the
    customers are read from a table of their calls, and with ``last`` all but the one known last.
    With ``duplicates: versions`` the rows of a key are what the company knew one after another.
    """

    path: str | None = None
    table: str | None = None
    database: Database | None = None
    format: FileKind | None = None
    dialect: Dialect = Dialect()
    timezone: str | None = None
    known_delay_days: Annotated[int, Field(ge=0)] | None = None
    duplicates: Literal["refuse", "drop", "first", "last", "versions"] = "refuse"
    rows_with: tuple[Composed, ...] = ()
    rows_without: Mapping[Composed, tuple[str, ...]] = {}
    money_unit: Literal["major", "minor"] = "minor"
    levels: bool = False
    static: bool = False
    max_quarantine_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    columns: Mapping[str, ColumnMap] = {}
    attributes: Mapping[str, Attribute] = {}
    dropped: Mapping[Composed, str] = {}

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        return None if zone is None else known_zone(zone)

    @field_validator("table")
    @classmethod
    def _table(cls, table: str | None) -> str | None:
        return None if table is None else _table_name(table)

    @field_serializer("dialect")
    def _overrides(self, dialect: Dialect) -> dict[str, Any]:
        """Only what the source overrides, so that digests name what was configured."""
        return dialect.model_dump(exclude_unset=True)

    @property
    def kind(self) -> Kind:
        """Format given, else by the path's ending; a folder (``path/``) holds Parquet files."""
        if self.database is not None:
            return self.database.kind
        if self.format is not None:
            return self.format
        path = self.path or ""
        if path.endswith("/"):
            return "parquet"
        suffixes = {kind: form.suffix for kind, form in FORMATS.items() if form.suffix}
        return next((kind for kind, suffix in suffixes.items() if path.endswith(suffix)), "csv")

    @property
    def filters(self) -> tuple[str, ...]:
        """The source columns that decide which rows are read."""
        return (*self.rows_with, *self.rows_without)

    @property
    def place(self) -> tuple[str | None, ...]:
        """What tells two sources' rows apart: files, or a table of files or of a database."""
        database = self.database
        return (self.path, self.table) if database is None else ("database", database.table)


def tables_with_versions(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """The tables whose rows of one key are versions, each counting until the next is known."""
    return tuple(name for name, source in sources.items() if source.duplicates == "versions")
