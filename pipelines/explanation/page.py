"""Page of one customer: an offline HTML file for the agent who is about to dial.

The picture is inline SVG placed in percent, so that marks and texts keep their size at any width.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
from babel.dates import format_date

from pipelines.config.settings import Settings
from pipelines.config.text_files import Names, load_checked, text_file
from pipelines.explanation.answers import explain_customer
from pipelines.explanation.customer_facts import CustomerFacts, customer_facts
from pipelines.explanation.story import DAYS, PageWords, load_words
from pipelines.lists.contact import CONTACT_CHANNELS
from pipelines.lists.night_lists import NightLists
from pipelines.publication.manifest import PAGES, page_name
from pipelines.runtime.atomic_files import write_file
from pipelines.runtime.escaping import page_template
from pipelines.snapshots.snapshot import Snapshot

_A_DAY = 98.0 / DAYS
"""Percent of the picture's width; what is left is for the last mark."""
_WEIGHTS = (("strong", 0.7), ("medium", 0.2), ("weak", float("-inf")))
"""Least contribution in log-odds of each word: the odds doubled, a fifth more, less."""


def write_page(
    config: Path, customer: str, path: Path, as_of: date | None = None, language: str | None = None
) -> None:
    """Write the page of any customer of a published list; raises as ``explain_customer`` does."""
    found = explain_customer(config, customer, as_of, language)
    page = render(found.settings, found.facts, found.case.described, found.words)
    write_file(path, page.encode())


def write_call_pages(
    settings: Settings, lists: NightLists, snapshot: Snapshot, folder: Path
) -> None:
    """Write the page of each customer of the call list, named by rank and id, in its language."""
    stamp, wording = lists.stamp, load_words(settings, settings.list.languages[0])
    called = lists.rows[lists.rows["lane"].eq("call")].sort_values("call_rank", ignore_index=True)
    night = {"model_version": stamp.model_version, **stamp.facts}
    for facts in customer_facts(settings, snapshot, stamp.as_of, called, wording):
        name = page_name(facts.row["call_rank"], facts.row["customer_id"])
        write_file(folder / PAGES / name, render(settings, facts, night, wording).encode())


def render(
    settings: Settings, facts: CustomerFacts, night: Mapping[str, Any], wording: PageWords
) -> str:
    """The page; ``night`` is what the manifest says of it: the model and customers by lane."""
    as_of, values = pd.Timestamp(facts.row["as_of_date"]).date(), wording.style.values
    first, window = as_of - timedelta(days=DAYS), settings.label_window()
    months = pd.date_range(first, as_of - timedelta(days=10), freq="MS", inclusive="right")
    story = facts.story.assign(x=_A_DAY * (facts.story["day"] - pd.Timestamp(first)).dt.days)
    bills = story["text"].where(story["size"].notna()).dropna()
    repeats = bills.index[bills.eq(bills.shift(-1))]

    return page_template("customer.html").render(
        row=facts.row,
        facts=facts,
        story=story.drop(repeats).to_dict("records"),
        marks=story[story["x"] >= 0].to_dict("records"),
        most=story["size"].max(),
        nights=facts.nights.to_dict("records"),
        months=[
            (_A_DAY * (month.date() - first).days, format_date(month, "LLL", wording.style.locale))
            for month in months
        ],
        weigh=lambda weight: next(name for name, least in _WEIGHTS if weight >= least),
        t=lambda key, **values: Template(wording.texts.page[key]).substitute(values),
        wording=wording,
        settings=settings,
        night=night,
        names=load_checked(text_file("names", wording.language), Names, "the names"),
        channels=[at for at in CONTACT_CHANNELS if facts.row[f"contact_allowed_{at}"]],
        channel=values.get("preferred_channel", {}),
        lines=values.get("product_line", {}),
        day=lambda value: wording.word(pd.Timestamp(value).date(), "date", "date"),
        percent=lambda value: wording.word(value, "ratio", "percent"),
        ended=lambda value: pd.Timestamp(value).date() < as_of,
        as_of=as_of,
        window=(window.start(as_of), window.end(as_of) - timedelta(days=1)),
        customers=wording.word(sum(night["lanes"].values()), "count", "count"),
    )
