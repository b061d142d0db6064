"""Configuration of the lists: risk bands, permitted contact, file formats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from types import MappingProxyType
from typing import Annotated, Literal, get_args

from holidays import country_holidays
from pydantic import Field, model_validator

from pipelines.config.sections import Count, Section, Share

EXCEL_ROWS = 1_048_575
"""Rows below the header that a worksheet holds (Microsoft, Excel specifications and limits)."""
Channel = Literal["phone", "sms", "email", "post"]
LegalBasis = Literal["consent", "customer_relation"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Profile = Literal["crm", "excel-nb", "excel-sv", "xlsx", "parquet"]
REGISTER_DAYS = 31


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


class Peace(Section):
    """Who is left in peace: satisfied at the latest survey, and silent for so many days.

    ``csat`` is the lowest answer (1 to 5) that counts as satisfied; null leaves nobody in peace for
    that. The answer may be ``survey_days`` old. Who pays by autopay and has had nothing to do with
    the company for ``asleep_days`` is asleep: contact may wake them; null: nobody is.
    """

    csat: Annotated[float, Field(ge=1, le=5)] | None = 4
    survey_days: Count = 365
    silent_days: Count = 180
    asleep_days: Annotated[int, Field(ge=1, le=365)] | None = 30


class RiskList(Section):
    """Languages of the reasons, rows that get reasons, risk bands, the files, and who is called.

    The Parquet twin is written in any case. A file never holds more than ``rows_per_file`` rows:
    the rest goes to a next file. ``capacity_minutes``: minutes of agents' time a night for the call
    list. ``holdout_share``: how many customers are never called for, so that the effect can be
    measured.
    """

    languages: Annotated[tuple[str, ...], Field(min_length=1)] = ("en",)
    explained_rows: Count = 2000
    bands: Bands = Bands()
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)] = ("crm",)
    rows_per_file: Count = 1_000_000
    capacity_minutes: Annotated[float, Field(ge=0)] = 2400
    holdout_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    peace: Peace = Peace()

    @model_validator(mode="after")
    def _in_a_language_of_the_list(self) -> "RiskList":
        for profile in self.profiles:
            language = profile.removeprefix("excel-")
            if language != profile and language not in self.languages:
                raise ValueError(f"profiles: {profile} needs {language!r} among languages")
        return self


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one list beside its Parquet twin, in one language.

    ``titles`` gives the header of each column in ``excel`` and ``xlsx`` files.
    """

    crm: bool = True
    excel: bool = False
    xlsx: bool = False
    rows_per_file: int = 1_000_000
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How a CSV file is written; ``mark`` is a byte order mark."""

    ending: str
    separator: str = ","
    decimal: str = "."
    line: str = "\n"
    mark: bool = False


CRM = CsvStyle(".csv")
EXCEL = CsvStyle(".excel.csv", separator=";", decimal=",", line="\r\n", mark=True)
"""What Excel opens with a double click where the decimal sign is a comma."""


class Contact(Section):
    """Which channels may be used for an outreach, and when: closed unless it says otherwise.

    ``legal_basis`` names for each channel what it rests on, a consent or the customer relation;
    a channel that is not named is never used. ``register_days`` is how old a look-up in the
    reservation register may be; null where no register has to be asked. Nobody is called on
    public holidays, ``quiet_weekdays`` and ``quiet_dates``, nor outside ``calling_hours`` (local
    time). ``cooldown_days``: as long as what a contact does is measured; a second one within it
    adds little to the first.
    docs/allowed-contact.md says what a lawyer has to confirm.
    """

    legal_basis: Mapping[Channel, LegalBasis] = {}
    cooldown_days: Annotated[int, Field(ge=0)] = 90
    register_days: Count | None = REGISTER_DAYS
    quiet_weekdays: tuple[Weekday, ...] = ("saturday", "sunday")
    quiet_dates: tuple[date, ...] = ()
    calling_hours: tuple[time, time] = (time(9), time(20))

    @model_validator(mode="after")
    def _in_order(self) -> "Contact":
        first, last = self.calling_hours
        if first >= last:
            raise ValueError("calling_hours must go from earlier to later")
        return self

    def quiet(self, day: date, country: str | None) -> bool:
        """Whether nobody is called on that day in that country (ISO 3166, two letters)."""
        weekday = get_args(Weekday)[day.weekday()]
        holiday = country is not None and day in country_holidays(country, years=day.year)
        return holiday or day in self.quiet_dates or weekday in self.quiet_weekdays
