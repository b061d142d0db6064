"""Source declarations: location, format, text dialect and column mapping of a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from unicodedata import normalize

import pydantic
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipelines.config.sections import Days, Section, Zone
from pipelines.runtime.mirrors import usable

DURATIONS: Mapping[str, int] = {"days": 0, "months": 1, "quarters": 3, "years": 12}
"""Units of a duration, in months; a day is none."""


def composed(text: str) -> str:
    """Text with its letters composed (NFC), as names of columns are compared.

    >>> composed("pa\u030abegynt") == "p\u00e5begynt"
    True
    """
    return normalize("NFC", text)


def _below_data(path: str) -> str:
    if not path.strip() or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("a path stays under paths.data: relative, without '..'")
    return usable(path)


Composed = Annotated[str, pydantic.AfterValidator(composed)]
Located = Annotated[str, pydantic.AfterValidator(_below_data)]
DurationForm = Literal["milliseconds", "minutes", "hours", "days", "mm:ss", "hh:mm"]


class ColumnMap(Section):
    """Where a contract column comes from: source columns, a constant, or the row's number.

    The texts of several ``columns`` are joined by ``join`` before they are read, as a date and a
    time that make one instant are; null when one of them is. ``duration`` says how a column of
    seconds is written where it is neither in seconds nor ``hh:mm:ss``; a spreadsheet's times are
    ``days``. ``static`` and ``mutable`` say of a customer's segment what they say of an
    ``Attribute``. A day may be a tenure: with ``months_before: 2026-01-31`` one of 12 is 31 January
    2025.
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
    days_before: date | None = None
    months_before: date | None = None
    quarters_before: date | None = None
    years_before: date | None = None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: pydantic.GetJsonSchemaHandler
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
        units = [unit for unit in DURATIONS if getattr(self, f"{unit}_before") is not None]
        if len(units) > 1 or (units and self.column is None):
            raise ValueError("a duration has one unit, and is read from one column")
        return self

    @property
    def tenure(self) -> tuple[str, date] | None:
        """The unit of the durations that a day is read from, and the day they count back from."""
        found = {unit: getattr(self, f"{unit}_before") for unit in DURATIONS}
        return next(((unit, day) for unit, day in found.items() if day is not None), None)

    @property
    def none(self) -> bool:
        """Whether the company says that there are none of these: ``value: null``."""
        return "value" in self.model_fields_set and self.value is None

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

    It has one value for all of time, so it must be ``static``: what it says now it said at every
    as-of date. One that is overwritten is ``mutable``, and only its history in ``master_data`` can
    be learned from. ``as_days`` reads a date as days since 1970-01-01, for tables with one as-of
    date, because such a number drifts with the calendar. ``range`` is what a number can be, both
    ends inclusive; a row outside is set aside.
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


FileKind = Literal["csv", "excel", "parquet", "duckdb", "sqlite"]
Kind = FileKind | Literal["database"]


@dataclass(frozen=True, slots=True)
class Format:
    """What a configuration has to know of a kind of source; ``pipelines.sources`` reads it.

    ``zone`` is that of naive instants: the company's, UTC, or None where it must be declared.
    Files of a kind that ``has_tables`` must name one; workbooks and archives may.
    """

    zone: Literal["company", "UTC"] | None
    suffixes: tuple[str, ...] = ()
    has_tables: bool = False


FORMATS: Mapping[Kind, Format] = {
    "csv": Format("company", (".csv", ".csv.gz", ".zip")),
    "excel": Format("company", (".xlsx", ".xlsm")),
    "parquet": Format("UTC", (".parquet",)),
    "duckdb": Format(None, (".duckdb",), has_tables=True),
    "sqlite": Format(None, (".sqlite", ".sqlite3", ".db"), has_tables=True),
    "database": Format(None),
}
_FORM = re.compile("([^%]|%-?[aAbBcdfgGHIjmMnpSTuUVwWxXyYzZ%])*")
_TABLE_NAME = re.compile(r"[^\W\d][\w$]{0,62}")


def file_kind(path: str, declared: FileKind | None = None) -> FileKind:
    """Format declared, else by the path's ending; a folder (``path/``) holds Parquet files.

    >>> file_kind("export/kunder.csv.gz"), file_kind("crm.xlsx"), file_kind("calls.txt")
    ('csv', 'excel', 'csv')
    """
    if declared is not None:
        return declared
    if path.endswith("/"):
        return "parquet"
    kinds: tuple[FileKind, ...] = ("excel", "parquet", "duckdb", "sqlite")
    return next((kind for kind in kinds if path.endswith(FORMATS[kind].suffixes)), "csv")


def _table_name(name: str, parts: int = 3) -> str:
    names = name.split(".")
    if len(names) > parts or not all(map(_TABLE_NAME.fullmatch, names)):
        raise ValueError("a table is named table or schema.table, in letters, digits and _")
    return name


Day = date  # by another name, as a dialect's date is a form
# Days that databases and languages write for "no end" and "no start".
_NULL_DATES = (
    "0001-01-01 1753-01-01 1899-12-30 1899-12-31 1900-01-01 2079-06-06 2099-12-31 2100-01-01 "
    "2100-12-31 2154-12-31 2199-12-31 2262-04-11 2999-01-01 2999-12-31 3000-01-01 4712-12-31 "
    "9999-01-01 9999-12-31"
)


class Dialect(Section):
    """How text files are written. Nothing of this is ever guessed from a file.

    ``null_dates`` are days that stand for no date; they hold for every kind of source.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    date: str = "%Y-%m-%d"
    instant: str = "%Y-%m-%d %H:%M:%S"
    null_dates: tuple[Day, ...] = tuple(map(Day.fromisoformat, _NULL_DATES.split()))
    true_values: tuple[str, ...] = ("true",)
    false_values: tuple[str, ...] = ("false",)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            known = "\n".encode(encoding).strip(b"\0\xff\xfe\xef\xbb\xbf") == b"\n"
        except (LookupError, UnicodeError, ValueError):
            known = False
        if not known or encoding.lower() in ("idna", "punycode"):
            raise ValueError("not an encoding; for example utf-8, latin-1, cp1252")
        return encoding

    @field_validator("date", "instant")
    @classmethod
    def _with_a_year(cls, form: str) -> str:
        if not _FORM.fullmatch(form):
            raise ValueError("a % in it is not of DuckDB's strptime")
        if not any(sign in form for sign in ("%Y", "%y", "%c", "%x")):
            raise ValueError("no year in it: %Y for one of four digits, %y of two")
        return form

    @model_validator(mode="after")
    def _distinct_signs(self) -> "Dialect":
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if {self.delimiter, self.quote} & {"\n", "\r", "\0"}:
            raise ValueError("delimiter and quote are no line end")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        return self


class Database(Section):
    """A table of a database. ``uri`` is given as ``${VARIABLE}`` only.

    ``driver`` is that of an installed package ``adbc-driver-<driver>``, or odbc with a connection
    string as ``uri``. ``options`` are handed to the driver as they stand, each ``${VARIABLE}``
    where it is a secret. ``table`` is ``schema.table``, letter by letter as the database has it.
    """

    driver: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")] = "postgresql"
    options: Mapping[str, SecretStr] = {}
    uri: Annotated[SecretStr, Field(validate_default=True)] = SecretStr("")
    table: str

    @field_validator("uri")
    @classmethod
    def _address(cls, uri: SecretStr, info: ValidationInfo) -> SecretStr:
        scheme, found, _ = uri.get_secret_value().partition("://")
        if info.data.get("driver") == "postgresql":
            if not found or scheme not in ("postgresql", "postgres"):
                raise ValueError("not a PostgreSQL address: postgresql://user:password@host/crm")
        elif not uri.get_secret_value() and not info.data.get("options"):
            raise ValueError("give the address (uri), or the driver's options")
        return uri

    @field_validator("table")
    @classmethod
    def _named(cls, table: str, info: ValidationInfo) -> str:
        if info.data.get("driver") != "postgresql":
            return _table_name(table)
        if "." not in table:
            raise ValueError("name the schema too: schema.table")
        return _table_name(table, parts=2)


class Join(Section):
    """A further file whose ``key`` names each customer once, and whose columns are read too.

    ``on`` is the source's column with the same keys (default: that of customer_id). Values are
    written as the source's; a text may have a delimiter and an encoding of its own.
    """

    path: Located
    key: str
    on: str | None = None
    format: FileKind | None = None
    table: str | None = None
    header_row: Annotated[int, Field(ge=1, le=1000)] = 1
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None


class Source(Section):
    """One table of the contract: where its rows are and how their columns map to the contract's.

    Rows are in files (``path``), or in a database. ``table`` names the table of a DuckDB or SQLite
    file, the sheet of a workbook, the file in an archive with several; the rows above
    ``header_row`` are titles. ``joins`` are further files of the customers, with a row for each.
    ``static`` declares every attribute static. Rows in which a column of ``rows_with`` is null, or
    one of ``rows_without`` has one of its values, are left out and are no fault; so are, with
    ``duplicates: first`` or ``last``, the other rows of a key. With ``duplicates: versions`` the
    rows of a key are what the company knew one after another.
    """

    path: Located | None = None
    format: FileKind | None = None
    table: str | None = None
    database: Database | None = None
    header_row: Annotated[int, Field(ge=1, le=1000)] = 1
    joins: tuple[Join, ...] = ()
    dialect: Dialect = Dialect()
    timezone: Zone | None = None
    known_delay_days: Days | None = None
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

    @field_validator("table")
    @classmethod
    def _table(cls, table: str | None, info: ValidationInfo) -> str | None:
        kind = file_kind(info.data.get("path") or "", info.data.get("format"))
        return _table_name(table, parts=2) if table is not None and kind == "duckdb" else table

    @pydantic.field_serializer("dialect")
    def _overrides(self, dialect: Dialect) -> dict[str, Any]:
        """Only what the source overrides, so that digests name what was configured."""
        return dialect.model_dump(exclude_unset=True)

    @property
    def kind(self) -> Kind:
        return "database" if self.database else file_kind(self.path or "", self.format)

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


REPORTED = Source(format="parquet", timezone="UTC", known_delay_days=0)
"""What ``stille outcomes`` keeps: a part of ``treatments``, as the contract has it."""
