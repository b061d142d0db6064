"""Configuration sections other than sources and lists.

What each key means stands in ``configs/reference.yaml``, with an example.
"""

import os
import re
from collections.abc import Mapping
from datetime import date
from errno import ELOOP, ENAMETOOLONG
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import pydantic
from babel.core import get_global
from holidays import list_supported_countries
from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from features.contract import PRICE_NOTICE
from models.causal.treated_rows import Feedback
from models.competing_risks.person_periods import PERIOD_DAYS
from pipelines.config.file import nearest
from pipelines.runtime.mirrors import is_url, mirror_folder, usable

SQLITE = "sqlite:///"
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Days = Annotated[int, Field(ge=0, le=36_500)]
Months = Annotated[int, Field(ge=1, le=1200)]
AsOf = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2199, 12, 31))]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Name = Annotated[str, Field(pattern=r"^[^\n\r\t/:.][^\n\r\t/:]{0,199}$")]
Multiple = Annotated[float, Field(ge=0)]
Reason = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=10)]


class Section(pydantic.BaseModel):
    """Base of every section: immutable; an unknown key and a number without end are errors."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def known_zone(zone: str) -> str:
    """Return ``zone`` when it is an IANA time zone; raises ``ValueError`` with the nearest one."""
    if zone not in (known := available_timezones()):
        raise ValueError(f"not an IANA time zone{nearest(zone, known)}")
    return zone


Zone = Annotated[str, AfterValidator(known_zone)]


class Company(Section):
    """Whose customers these are, and where their days begin.

    With ``pseudonyms`` the customers' own ids end at the sources: docs/privacy.md. ``country``
    (ISO 3166, two letters) is whose public holidays count; by default that of the time zone.
    ``price_notice``: days of notice due before a price rise, for the product lines named.
    """

    name: Annotated[str, Field(pattern=r"^[^\n\r\t]{1,200}$")]
    timezone: Zone
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    language: Language
    pseudonyms: bool = False
    price_notice: Mapping[str, Days] = dict(PRICE_NOTICE)
    country: str | None = Field(
        default_factory=lambda data: get_global("zone_territories").get(data["timezone"])
    )

    @field_validator("country")
    @classmethod
    def _known_country(cls, country: str | None) -> str | None:
        if country is not None and country not in list_supported_countries():
            raise ValueError(f"{country!r} is no country whose public holidays are known")
        return country


class Privacy(Section):
    """What a customer who asks is told beside their data (GDPR article 15).

    ``kept_months``: how long lists with the customer's estimate are kept. ``recipients``: who
    outside the company receives them; empty for nobody. Null for what is not settled: the answer
    then says that it is not told. Stille removes no list by itself.
    """

    kept_months: Months | None = None
    recipients: tuple[Annotated[str, Field(min_length=2)], ...] | None = None


def _beside(path: Any, info: ValidationInfo) -> Any:
    """A path as it counts from the folder of the configuration.

    Relative where that is below the working directory, and without ``..``: stores compare names.
    """
    if not isinstance(path, str | Path):
        return path
    found = os.path.normpath((info.context or {}).get("folder", Path()) / path)
    return os.path.normpath(Path.cwd() / found) if found.startswith("..") else found


class _BelowVar:
    """A path below ``var``, as an attribute of ``Paths``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, paths: "Paths", _: type["Paths"]) -> Path:
        return paths.var / self._name


class Paths(Section):
    """Folders, relative to the configuration's; the properties are what lies below ``var``.

    ``data`` and ``out`` may be URLs: docs/object-storage.md. They are the mirrors then.
    ``group`` of the machine may read ``out``; null: nobody but the user that runs Stille.
    """

    model_config = pydantic.ConfigDict(ignored_types=(_BelowVar,))

    var: Path = Field(default=Path("var"), validate_default=True)
    data: Path
    out: Path = Field(default=Path("out"), validate_default=True)
    group: str | None = None

    @field_validator("var", "data", "out", mode="before")
    @classmethod
    def _location(cls, path: Any, info: ValidationInfo) -> Any:
        if is_url(path) and info.field_name == "var":
            raise ValueError("var is a folder; data and out may be in a bucket")
        mirrors = info.data.get("var", Path()) / "mirrors"
        return mirror_folder(usable(path), mirrors) if is_url(path) else _beside(path, info)

    @field_validator("var", "data", "out")
    @classmethod
    def _possible(cls, path: Path, info: ValidationInfo) -> Path:
        if info.field_name == "var" and "?" in str(path.absolute()):
            raise ValueError(
                f"{path.absolute()} has a ?, at which MLflow's address of its database would end"
            )
        try:
            path.lstat()
        except OSError as error:
            if error.errno in (ENAMETOOLONG, ELOOP):
                raise ValueError(error.strerror) from None
        return path

    announced = _BelowVar("announced.json")  # what was told last, by run
    champion = _BelowVar("champion")  # the model of nights on which the registry is silent
    comparisons = _BelowVar("compare")  # pages that hold one training run against another
    digests = _BelowVar("digests.json")  # of input files, for as long as they stay as they are
    effect = _BelowVar("effect")  # measured effects of contact, one file a day
    matrices = _BelowVar("matrices")  # that training runs share
    mirrors = _BelowVar("mirrors")  # copies of what is in buckets
    mlflow_artifacts = _BelowVar("mlartifacts")  # of that database's runs
    mlflow_database = _BelowVar("mlflow.db")  # where no tracking store is configured
    monitoring = _BelowVar("monitoring")  # results, one file a day
    overrides = _BelowVar("overrides")  # registers of lists not followed, one file a day
    preview = _BelowVar("preview")  # lists of the newest dry run of a night
    reported_treatments = _BelowVar("outcomes/treatments.parquet")  # as people reported them
    runs = _BelowVar("runs")  # run records
    scratch = _BelowVar("matrix")  # matrices of one run, gone when it ends
    search = _BelowVar("search")  # trials of the search for hyperparameters
    snapshots = _BelowVar("snapshots")  # checked copies of the company's tables
    spill = _BelowVar("spill")  # what DuckDB does not hold in memory
    training = _BelowVar("training")  # plots and test scores, by training run
    typed = _BelowVar("typed")  # rows of input files as the contract has them
    uplift = _BelowVar("uplift")  # the accepted model of the effect of contact


class Label(Section):
    """Days to act in before the label window, and the window's length.

    ``horizons`` are the lengths for which every outcome is told apart, in whole periods; none
    by default.
    """

    lead_days: Days = 14
    horizon_days: Annotated[Days, Field(ge=1)] = 90
    horizons: tuple[Annotated[Days, Field(ge=1, multiple_of=PERIOD_DAYS)], ...] = ()

    @field_validator("horizons")
    @classmethod
    def _rising(cls, horizons: tuple[int, ...]) -> tuple[int, ...]:
        if list(horizons) != sorted(set(horizons)):
            raise ValueError("horizons must rise, each named once")
        return horizons


class Training(Section):
    """As-of dates to learn from, how the model is fitted and judged."""

    first_as_of: AsOf
    last_as_of: AsOf | None = None
    test_months: Months = 3
    folds: Count = 1
    seeds: Count = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2)] = 15
    min_data_in_leaf: Count = 40
    max_depth: Annotated[int, Field(ge=-1)] = 6
    max_bin: Annotated[int, Field(ge=2, le=255)] = 63
    min_test_positives: Count = 20
    staying_months: Annotated[Months, Field(ge=2)] = 6
    bagging_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.4
    lambda_l2: Annotated[float, Field(ge=0)] = 5.0
    negatives: Count | None = None
    max_rows: Count | None = None
    monotone: bool = False
    challengers: bool = False
    bootstrap: Annotated[int, Field(ge=0)] = 200
    auc_alarm: Annotated[float, Field(gt=0.5, le=1)] = 0.85
    leak_override: Mapping[str, Reason] = {}
    feedback: Feedback = "weight"

    @model_validator(mode="after")
    def _in_order(self) -> "Training":
        if self.last_as_of is not None and self.last_as_of < self.first_as_of:
            raise ValueError("last_as_of must not be before first_as_of")
        return self


class Economics(Section):
    """What customers are worth and what contacting them costs, in major units of the currency.

    The words and symbols are those of ``models.metrics.profit.Economics``. ``margin_per_year``
    is for customers without one in ``customers.margin_per_year``. Who makes an offer must say how
    many stayers take it, as a share that is left out would make their offers free.
    """

    margin_per_year: Annotated[float, Field(gt=0)]
    years: Annotated[float, Field(gt=0)]
    contact_cost: Annotated[float, Field(ge=0)]
    offer_cost: Annotated[float, Field(ge=0)] = 0.0
    saved_share: Annotated[float, Field(gt=0, le=1)]
    woken_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    acquisition_cost_multiple: tuple[Multiple, Multiple] = (4.0, 10.0)
    offer_taken_by_stayers: Annotated[float, Field(ge=0, le=1)] = 0.0
    discount_rate: Annotated[float, Field(ge=0, lt=1)] = 0.08

    @model_validator(mode="after")
    def _a_range(self) -> "Economics":
        if self.offer_cost and "offer_taken_by_stayers" not in self.model_fields_set:
            raise ValueError(
                "offer_cost needs offer_taken_by_stayers: the share of the customers contacted who "
                "would have stayed anyhow and take the offer; 0 where it is made only to those "
                "who say that they leave, 1 where everybody contacted gets it"
            )
        low, high = self.acquisition_cost_multiple
        if low > high:
            raise ValueError("acquisition_cost_multiple must go from low to high")
        return self


class Engine(Section):
    """Threads, memory and customers a shard, and who works on the shards (docs/scale.md).

    ``kind``: this process, or the workers of a Dask scheduler or a Spark master at ``address``.
    That of a scheduler is ``tcp://host:port``, or ``tls://host:port`` with ``tls``: the files of
    its authority (``ca``), of the run's ``certificate`` and of its ``key``, in PEM.
    """

    threads: Annotated[Count, Field(le=1024)] = 2
    memory_limit: Annotated[
        str, Field(pattern=r"^([1-9]\d{0,6}(\.\d{1,3})?|0\.\d{0,2}[1-9])(MB|GB|MiB|GiB)$")
    ] = "2GB"
    shard_size: Count = 50_000
    kind: Literal["process", "dask", "spark"] = "process"
    address: str | None = None
    tls: Mapping[str, Annotated[Path, pydantic.BeforeValidator(_beside)]] = {}

    @model_validator(mode="after")
    def _reachable(self) -> "Engine":
        scheme, _, host = (self.address or "").partition("://")
        if re.search(r"[@?\s]", host):
            raise ValueError("an address is scheme://host:port, without a user and a query")
        if self.kind == "dask" and scheme not in ("tcp", "tls"):
            raise ValueError("kind: dask needs address: tcp://host:port or tls://host:port")
        if set(self.tls) != ({"ca", "certificate", "key"} if scheme == "tls" else set()):
            raise ValueError(
                "tls://host:port, and nothing else, goes with tls: {ca, certificate, key}"
            )
        return self


def _store_address(uri: str, info: ValidationInfo) -> str:
    urlsplit(uri)
    file = uri.removeprefix(SQLITE)
    return uri if file == uri else f"{SQLITE}{_beside(file, info)}"


class Tracking(Section):
    """MLflow store (null: a SQLite file under ``paths.var``), experiment and registered model."""

    uri: Annotated[str, AfterValidator(_store_address)] | None = Field(
        default=None, min_length=1, repr=False
    )
    experiment: Annotated[str, Field(min_length=1, max_length=200)] = "churn"
    model: Name = "churn"


class Notifications(Section):
    """Who hears that a run failed, works again or needs a person, and of a night that did not come.

    ``addresses`` are Apprise's: mail, webhooks, Slack, Teams and others. ``command`` is a program
    with its arguments, started without a shell; the message is its standard input. ``ping`` is
    asked with GET after each night that succeeded, for a service that misses it. ``status``: from
    which status of a published night on a message is sent. Docs: docs/operate.md.
    """

    addresses: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), repr=False)
    command: tuple[str, ...] = Field(default=(), repr=False)
    ping: Annotated[str, Field(pattern="^https?://")] | None = Field(default=None, repr=False)
    status: Literal["look", "bad"] = "bad"


class RowBand(Section):
    """What a count may be, as multiples of the count it is held against."""

    low: Annotated[float, Field(ge=0, le=1)] = 0.7
    high: Annotated[float, Field(ge=1)] = 1.5


class Quality(Section):
    """When tables stop a run: rows set aside, and gates that a person has to look at."""

    max_quarantine_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    max_null_rise: Annotated[float, Field(gt=0, le=1)] = 0.2
    max_unknown_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    max_orphan_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    max_disorder_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_mixed_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    rows: RowBand = RowBand()
    rows_of: Mapping[str, RowBand] = {}
    day_rows: Mapping[str, RowBand | None] = {}
    freshness_days: Mapping[str, Days | None] = {}
    usual_day: RowBand = RowBand(low=0.1, high=5)
    learned_days: bool = True
    unit_jumps: bool = True


class Monitoring(Section):
    """When a monitoring run raises an alarm; every figure is an effect size."""

    months: Months = 6
    capacity: Count = 500
    max_drift: Annotated[float, Field(gt=0)] = 0.25
    observed_to_expected: RowBand = RowBand(low=0.8, high=1.25)
    calibration_slope: RowBand = RowBand(low=0.7, high=1.4)
