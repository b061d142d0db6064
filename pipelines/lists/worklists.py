"""Worklists: what one person does tonight, in words of their language, with room for the outcome.

A workbook and an Excel CSV for each list, language and, where the work is split, team or agent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from string import Template
from typing import Literal

import numpy as np
import pandas as pd
from babel.dates import format_date
from pydantic import RootModel, model_validator

from pipelines.config import text_files
from pipelines.config.lists import EXCEL
from pipelines.config.sections import Section
from pipelines.config.settings import Settings
from pipelines.config.text_files import Names, load_checked, text_file
from pipelines.lists.actions import load_actions
from pipelines.lists.list_columns import LANE_LISTS
from pipelines.publication import writers
from pipelines.publication.manifest import Field, columns
from pipelines.publication.writers import Look, Schemas
from pipelines.runtime.atomic_files import storage_errors

_INFORM = ("open_case_id", "binding_until", "last_contact_on")
_WORK = ("who", "why", "do", "do_not", *_INFORM, "owner", "status")
_OUTREACH = (*_WORK, "contacted_on", "outcome", "note")
_SILENT = ("rank", "customer_id", *_WORK, "outcome", "note")
_REST = ("rank", "customer_id", "who", "why", "rule", *_INFORM)
WORKLISTS: Mapping[str, tuple[str, ...]] = {
    "call": ("rank", "customer_id", "channel", "call_between", *_OUTREACH),
    "write": ("rank", "customer_id", "channel", *_OUTREACH),
    **{"fix": _SILENT, "service": _SILENT, "leave_in_peace": _REST, "suppressed": _REST},
}
"""The columns of each worklist, in order; what people fill in comes last."""


class Outcome(Section):
    """What one outcome says in ``treatments``, null for nothing; ``lists`` are where it is."""

    lists: tuple[str, ...]
    contacted: bool | None = None
    answer: Literal["yes", "no", "undecided"] | None = None
    solved: bool | None = None


class WorklistTexts(Section):
    """What worklists say in one language: words by code; where ``$name`` stands, a value."""

    locale: str
    date: str
    print: str
    page: str
    risk: str
    lists: Mapping[str, str]
    titles: Mapping[str, str]
    statuses: Mapping[str, str]
    outcomes: Mapping[str, str]
    channels: Mapping[str, str]
    segments: Mapping[str, str]
    tenure: Mapping[str, str]

    @model_validator(mode="after")
    def _complete_and_distinct(self) -> "WorklistTexts":
        columns = {name for names in WORKLISTS.values() for name in names}
        for name, codes in {"titles": columns, "outcomes": load_outcomes()}.items():
            if wrong := {*codes} ^ {*getattr(self, name)}:
                raise ValueError(f"{name}: lacking, or unknown: {', '.join(sorted(wrong))}")
        for words in (self.titles, self.statuses, self.outcomes, self.channels):
            if len({word.casefold() for word in words.values()}) < len(words):
                raise ValueError("two titles or choices are one word; each needs its own")
        if "," in "".join((*self.statuses.values(), *self.outcomes.values())):
            raise ValueError("a choice has a comma, which parts the choices of a workbook")
        return self


def load_outcomes() -> Mapping[str, Outcome]:
    """The outcomes by code; raises ``ConfigError`` when the file is not one of outcomes."""
    return load_checked(text_files.OUTCOMES, RootModel[Mapping[str, Outcome]], "the outcomes").root


def load_worklist_texts(language: str) -> WorklistTexts:
    """The texts of a language; raises ``ConfigError`` listing what is wrong in its file."""
    return load_checked(text_file("worklists", language), WorklistTexts, "the worklists' texts")


_FIELDS = {field.name: field for field in columns("worklists")}
_YEAR_DAYS = 365.2425
# In characters; the usual width is that of a day.
_WIDTHS = {"rank": 4, "channel": 8, "call_between": 7, "who": 17, "why": 44, "do": 20, "note": 14}
_WIDTHS |= {"do_not": 29, "rule": 30, "open_case_id": 11, "owner": 8, "status": 8, "outcome": 12}


def write_worklists(
    settings: Settings, language: str, rows: pd.DataFrame, as_of: date, folder: Path
) -> Schemas:
    """Write ``worklist.<list>.<language>.*`` of a risk list with ``tenure_days``; their fields.

    Raises ``ConfigError`` for texts that lack something, ``PublicationError`` of the disk.
    """
    texts, schemas = load_worklist_texts(language), Schemas()
    bands = load_checked(text_file("names", language), Names, "the names").bands
    risk = {code: Template(texts.risk).substitute(band=word) for code, word in bands.items()}
    for list_name, described in LANE_LISTS.items():
        kind = list_name.removesuffix("_list")
        members = described.members(rows).head(settings.list.explained_rows)
        fields = tuple(_FIELDS.get(each, Field(each, "text", "Text.")) for each in WORKLISTS[kind])
        titles = [texts.titles[field.name] for field in fields]
        titled = tuple(replace(f, name=title) for f, title in zip(fields, titles, strict=True))
        look = _look(settings.company.name, texts, risk, kind, as_of)
        for part, its in _parts(members):
            name = ".".join(("worklist", kind, language, *part))
            words = in_words(texts, language, its, risk, as_of)
            frame = words.assign(rank=np.arange(1, len(its) + 1))
            with storage_errors(f"write {name}"):
                writers.write_csv(frame, fields, folder / f"{name}{EXCEL.ending}", EXCEL, titles)
                writers.write_workbook(frame, fields, titles, folder / f"{name}.xlsx", look)
            schemas |= dict.fromkeys((f"{name}{EXCEL.ending}", f"{name}.xlsx"), titled)
    return schemas


def in_words(
    texts: WorklistTexts, language: str, rows: pd.DataFrame, risk: Mapping[str, str], as_of: date
) -> pd.DataFrame:
    """Every column of a worklist but the rank, in words, by the index of ``rows``.

    A code without a word is the company's own and stays. A binding that is over is null.
    """
    report = text_files.read_yaml(text_file("report", language), "the report's texts")
    actions, none = load_actions(), pd.Series(None, index=rows.index, dtype="str")
    own = rows.reindex(columns=["tenure_days", "segment", "open_case_id", "binding_until"])
    years = own["tenure_days"].astype("float64") // _YEAR_DAYS
    bound = pd.to_datetime(own["binding_until"])
    said = {n: texts.tenure[("less", "one", "many")[int(min(n, 2))]] for n in years.dropna()}
    tenure = years.map({n: Template(text).substitute(years=int(n)) for n, text in said.items()})
    who = (
        _named(rows["product_line"], report["product_lines"]),
        tenure,
        _named(own["segment"], texts.segments),
        _named(rows["risk_band"], risk),
    )
    spoken, written = (
        _named(rows["suggested_action"], actions.words(language, written=each))
        for each in (False, True)
    )
    given = {
        "customer_id": rows["customer_id"],
        "channel": _named(rows["use_channel"], texts.channels),
        "call_between": rows["call_from"].str.cat(rows["call_until"], "–"),
        "who": _joined(who, ", "),
        "why": _joined((rows["reason_1_text"], rows["reason_2_text"]), " "),
        "do": written.where(rows["use_channel"].ne("phone") & rows["lane"].eq("call"), spoken),
        "do_not": _named(rows["do_not"], actions.words(language)),
        "rule": _named(rows["lane_rule"], report["rules"]),
        "open_case_id": own["open_case_id"],
        "binding_until": bound.where(bound >= pd.Timestamp(as_of)),
        "last_contact_on": rows.get("last_contact_on", none),
        "status": none.fillna(texts.statuses["new"]),
        **dict.fromkeys(("contacted_on", "owner", "outcome", "note"), none),
    }
    return pd.DataFrame(given)


def _named(codes: pd.Series, words: Mapping[str, str]) -> pd.Series:
    """Words for codes joined by ``;``, each distinct text put into words once."""
    distinct = {
        text: "; ".join(words.get(code, code) for code in str(text).split(";"))
        for text in codes.dropna().unique()
    }
    return codes.map(distinct)


def _joined(parts: tuple[pd.Series, ...], joint: str) -> "pd.Series[str]":
    """The parts that are there, joined; null where none is."""
    said = pd.concat(parts, axis=1).astype("str").fillna("")
    text = said.iloc[:, 0].str.cat(said.iloc[:, 1:], joint).str.strip(joint)
    text = text.str.replace(f"({joint}){{2,}}", joint, regex=True)
    return text.mask(text.eq(""))


def _parts(members: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """A list as a whole, or cut by team; a team's file has its number and name in plain letters."""
    if "team" not in members or members["team"].isna().all():
        yield (), members
        return
    for number, (team, its) in enumerate(members.groupby("team", dropna=False), start=1):
        plain = re.sub("[^0-9a-z]+", "-", str(team).casefold())[:40].strip("-")
        yield (plain if plain.isdecimal() else f"{number}-{plain}",), its


def _look(
    company: str, texts: WorklistTexts, risk: Mapping[str, str], kind: str, as_of: date
) -> Look:
    day, name = format_date(as_of, "long", locale=texts.locale), texts.lists[kind]
    outcomes = [texts.outcomes[code] for code, o in load_outcomes().items() if kind in o.lists]
    said, status = texts.outcomes, texts.statuses
    firm = company.replace("&", "&&")
    return Look(
        title=f"{as_of} {name}"[:31],
        header=Template(texts.print).substitute(list=name, day=day, company=firm),
        footer=Template(texts.page).substitute(page="&P", pages="&N"),
        date_form=texts.date,
        widths=tuple(_WIDTHS.get(column, 10) for column in WORKLISTS[kind]),
        choices={"status": [*status.values()], "outcome": outcomes},
        since={"contacted_on": as_of},
        colours={
            "who": {risk["very_high"]: writers.BAD, risk["high"]: writers.LOOK},
            "status": {status["done"]: writers.GOOD, status["started"]: writers.LOOK},
            "outcome": {
                said["solved"]: writers.GOOD,
                said["accepted"]: writers.GOOD,
                said["refused"]: writers.BAD,
            },
        },
    )
