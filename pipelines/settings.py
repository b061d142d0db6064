"""What an operator configures: YAML composed into frozen values, checked before anything runs."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipelines.configfile import Problem, nearest, read_config
from pipelines.mapping import mapping_problems

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Base of every section: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError) as error:
        guess = nearest(zone, available_timezones())
        raise ValueError(f"not an IANA time zone{guess}") from error
    return zone


class Company(Section):
    """Whose customers these are, and where their days begin."""

    name: str
    timezone: str
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    language: str

    _zone = field_validator("timezone")(_known_zone)


class Paths(Section):
    """Folders, relative to the working directory."""

    data: Path
    var: Path = Path("var")
    out: Path = Path("out")


class Dialect(Section):
    """How text files are written. Nothing of this is ever guessed from a file."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    date: str = "%Y-%m-%d"
    instant: str = "%Y-%m-%d %H:%M:%S"
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

    @model_validator(mode="after")
    def _distinct_signs(self) -> "Dialect":
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        return self


class ColumnMap(Section):
    """Where a contract column comes from: a source column, a constant, or the row's number."""

    column: str | None = None
    value: str | None = None
    row_number: bool = False
    values: Mapping[str, str] = {}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"column": given}
        if not isinstance(given, dict):
            return given
        # YAML reads 0, true, no and 2016-02-01 as its own types; what was written is meant.
        value, values = given.get("value"), given.get("values")
        if isinstance(value, bool | int | float | date):
            given = {**given, "value": _as_text(value)}
        if isinstance(values, dict):
            given = {**given, "values": {_as_text(key): name for key, name in values.items()}}
        return given

    @model_validator(mode="after")
    def _one_origin(self) -> "ColumnMap":
        if (self.column is not None) + (self.value is not None) + self.row_number != 1:
            raise ValueError("give exactly one of column, value and row_number")
        return self


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Attribute(Section):
    """A column of the customer table that becomes a feature as it stands.

    ``as_days`` reads a date and keeps it as days since 1970-01-01; meant for tables with one
    as-of date, because such a number drifts with the calendar.
    """

    column: str
    type: Literal["number", "category"]
    family: str = "relationship"
    driver: str = "profile"
    unit: str = ""
    sign: Literal[-1, 0, 1] = 0
    doc: str = ""
    as_days: bool = False
    values: Mapping[str, str] = {}


class Source(Section):
    """One table of the contract: its files and how their columns map to the contract's."""

    path: str
    format: Literal["csv", "parquet"] | None = None
    dialect: Mapping[str, Any] = {}
    timezone: str | None = None
    known_delay_days: Annotated[int, Field(ge=0)] = 0
    duplicates: Literal["refuse", "drop"] = "refuse"
    rows_with: tuple[str, ...] = ()
    money_unit: Literal["major", "minor"] = "minor"
    levels: bool = False
    max_quarantine_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    columns: Mapping[str, ColumnMap] = {}
    attributes: Mapping[str, Attribute] = {}
    dropped: Mapping[str, str] = {}

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        return None if zone is None else _known_zone(zone)

    @property
    def kind(self) -> Literal["csv", "parquet"]:
        """Format given, else by the path's ending."""
        return self.format or ("parquet" if self.path.endswith(".parquet") else "csv")


class Label(Section):
    """Days to act in before the label window, and the window's length."""

    lead_days: Annotated[int, Field(ge=0)] = 14
    horizon_days: Count = 90


class Training(Section):
    """As-of dates to learn from and how the model is fitted."""

    first_as_of: date
    last_as_of: date | None = None
    test_months: Count = 3
    folds: Count = 1
    seeds: Count = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2)] = 15
    min_data_in_leaf: Count = 40
    max_bin: Annotated[int, Field(ge=2, le=255)] = 63
    bootstrap: Annotated[int, Field(ge=0)] = 200
    auc_alarm: Annotated[float, Field(gt=0.5, le=1)] = 0.85

    @model_validator(mode="after")
    def _in_order(self) -> "Training":
        if self.last_as_of is not None and self.last_as_of < self.first_as_of:
            raise ValueError("last_as_of must not be before first_as_of")
        return self


class Bands(Section):
    """Risk bands as shares of the cohort, counted from the highest risk."""

    very_high: Share = 0.01
    high: Share = 0.05
    medium: Share = 0.20

    @model_validator(mode="after")
    def _nested(self) -> "Bands":
        if not self.very_high < self.high < self.medium:
            raise ValueError("very_high must be below high, and high below medium")
        return self


class RiskList(Section):
    """Languages of the reasons, rows that get reasons, and the risk bands."""

    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    explained_rows: Count = 2000
    bands: Bands = Bands()


class Engine(Section):
    """Threads, memory and customers a shard."""

    threads: Count = 2
    memory_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(MB|GB|MiB|GiB)$")] = "2GB"
    shard_size: Count = 50_000


class Tracking(Section):
    """MLflow store (null: a SQLite file under ``paths.var``), experiment and registered model."""

    uri: str | None = None
    experiment: str = "churn"
    model: str = "churn"


class Quality(Section):
    """Largest share of a table's rows that may be set aside before the run stops."""

    max_quarantine_share: Annotated[float, Field(ge=0, lt=1)] = 0.05


class Settings(Section):
    """One complete, runnable configuration."""

    company: Company
    paths: Paths
    dialect: Dialect = Dialect()
    sources: Annotated[Mapping[str, Source], Field(min_length=1)]
    label: Label = Label()
    training: Training
    list: RiskList = RiskList()
    engine: Engine = Engine()
    tracking: Tracking = Tracking()
    quality: Quality = Quality()

    def dialect_of(self, table: str) -> Dialect:
        """The company's dialect with the overrides of one source."""
        return Dialect(**{**self.dialect.model_dump(), **self.sources[table].dialect})

    def zone_of(self, table: str) -> str:
        """Zone of a source's naive instants: the company's in text files, UTC in Parquet."""
        source = self.sources[table]
        return source.timezone or (self.company.timezone if source.kind == "csv" else "UTC")

    def quarantine_share_of(self, table: str) -> float:
        """Largest share of a table's rows that may be set aside."""
        own = self.sources[table].max_quarantine_share
        return self.quality.max_quarantine_share if own is None else own


def _problems(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    sources = document.get("sources")
    return mapping_problems(sources, Dialect) if isinstance(sources, dict) else ()


def load_settings(path: Path) -> Settings:
    """Read, expand and check a configuration file.

    Raises ``ConfigError`` with every problem found: its place, what was found, what is
    allowed, and the nearest match of an unknown name.
    """
    return read_config(path, Settings, _problems)
