"""Configuration of the lists: risk bands, permitted contact, file formats.

What each key means stands in ``configs/reference.yaml``, with an example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated, Literal, get_args

from holidays import country_holidays
from pydantic import Field, model_validator

from pipelines.config.sections import Count, Days, Language, Section, Share

EXCEL_ROWS = 1_048_575
"""Rows below the header that a worksheet holds (Microsoft, Excel specifications and limits)."""
Channel = Literal["phone", "sms", "email", "post"]
LegalBasis = Literal["consent", "customer_relation"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Profile = Literal["crm", "worklist", "excel-nb", "excel-sv", "xlsx", "parquet"]
Minutes = Annotated[float, Field(ge=0)]
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
    """Who is left in peace: satisfied at the latest survey and silent, or asleep."""

    csat: Annotated[float, Field(ge=1, le=5)] | None = 4
    survey_days: Annotated[Days, Field(ge=1)] = 365
    silent_days: Annotated[Days, Field(ge=1)] = 180
    asleep_days: Annotated[int, Field(ge=1, le=365)] | None = 30


class WorkSplit(Section):
    """A worklist a team (by a column of the customers) or agent; teams' ``minutes`` of all."""

    by: Literal["team", "segment", "product_line"] | None = None
    agents: Annotated[int, Field(ge=2, le=100)] | None = None
    minutes: Mapping[str, Minutes] = {}

    @model_validator(mode="after")
    def _one_way(self) -> "WorkSplit":
        if (self.by is None) == (self.agents is None):
            raise ValueError("give either by (a column of the customers) or agents (a number)")
        if self.minutes and self.by is None:
            raise ValueError("minutes are those of teams: name their column (by)")
        return self


class RiskList(Section):
    """Languages of the reasons, rows that get reasons, risk bands, the files, and who is called."""

    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)
    explained_rows: Count = 2000
    bands: Bands = Bands()
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)] = ("crm", "worklist")
    rows_per_file: Count = 1_000_000
    capacity_minutes: Minutes = 2400
    weekday_shares: Mapping[Weekday, Annotated[float, Field(ge=0, le=10)]] = {}
    split: WorkSplit | None = None
    holdout_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    peace: Peace = Peace()
    call_pages: bool = False

    @model_validator(mode="after")
    def _in_a_language_of_the_list(self) -> "RiskList":
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages must differ")
        for profile in self.profiles:
            language = profile.removeprefix("excel-")
            if language != profile and language not in self.languages:
                raise ValueError(f"profiles: {profile} needs {language!r} among languages")
        if self.split and sum(self.split.minutes.values()) > self.capacity_minutes:
            raise ValueError("split.minutes, a part of capacity_minutes, add up to more than that")
        return self

    def minutes_on(self, day: date) -> float:
        """Minutes of all agents together on a day, by its weekday."""
        return self.capacity_minutes * self.weekday_shares.get(get_args(Weekday)[day.weekday()], 1)


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


class ChannelUse(Section):
    """What one outreach by a channel takes: an agent's minutes, and money in major units.

    Null: the action's minutes, ``economics.contact_cost``. ``reach``: takes notice, per one phoned.
    """

    minutes: Annotated[float, Field(gt=0)] | None = None
    cost: Annotated[float, Field(ge=0)] | None = None
    reach: Annotated[float, Field(gt=0, le=1)] = 1.0


_IN_WRITING: Mapping[Channel, float] = {"email": 3, "sms": 1, "post": 5}
_CHANNELS: Mapping[Channel, ChannelUse] = {
    "phone": ChannelUse(),
    **{channel: ChannelUse(minutes=n, reach=0.3) for channel, n in _IN_WRITING.items()},
}


_WEEKEND: tuple[Weekday, ...] = ("saturday", "sunday")
_HOURS = (time(9), time(20))
LAWFUL_HOURS = {"NO": (time(9), time(21))}
"""Where a law says when consumers may be phoned, and that weekends are quiet."""
_HOLIDAYS = {"SE": ("public", "de_facto"), "DK": ("public", "optional")}
"""Categories of the library `holidays` that are quiet where more than its public ones are."""


class Contact(Section):
    """Which channels may be used for an outreach, and when: closed unless it says otherwise.

    docs/allowed-contact.md says what a lawyer has to confirm.
    """

    legal_basis: Mapping[Channel, LegalBasis] = {}
    order: tuple[Channel, ...] = ("phone", "email", "post", "sms")
    channels: Mapping[Channel, ChannelUse] = {}
    cooldown_days: Days = 90
    register_days: Annotated[Days, Field(ge=1)] | None = REGISTER_DAYS
    quiet_weekdays: tuple[Weekday, ...] = _WEEKEND
    quiet_dates: tuple[date, ...] = ()
    calling_hours: tuple[time, time] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Contact":
        if self.calling_hours and self.calling_hours[0] >= self.calling_hours[1]:
            raise ValueError("calling_hours must go from earlier to later")
        if lacking := [name for name in self.legal_basis if name not in self.order]:
            raise ValueError(f"order must have {', '.join(lacking)}, as legal_basis does")
        return self

    def use(self, channel: Channel) -> ChannelUse:
        """What an outreach by the channel takes, as configured or usual."""
        return self.channels.get(channel, _CHANNELS[channel])

    def hours(self, country: str | None) -> tuple[time, time]:
        """First and last local time to phone in that country (ISO 3166), never beyond its law."""
        law = LAWFUL_HOURS.get(str(country), (time.min, time.max))
        first, last = self.calling_hours or LAWFUL_HOURS.get(str(country), _HOURS)
        return max(first, law[0]), min(last, law[1])

    def quiet(self, day: date, country: str | None) -> bool:
        """Whether nobody is called on that day in that country (ISO 3166, two letters)."""
        weekday, kinds = get_args(Weekday)[day.weekday()], _HOLIDAYS.get(str(country), ("public",))
        holiday = country is not None and day in country_holidays(
            country, years=day.year, categories=kinds
        )
        weekdays = {*self.quiet_weekdays, *(_WEEKEND if country in LAWFUL_HOURS else ())}
        return holiday or day in self.quiet_dates or weekday in weekdays
