"""HTML renderer of the report: one offline page, without scripts, every value escaped.

It is opened from a folder and sent by mail, where scripts and networks do not work.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta

from pipelines.reporting.charts import draw
from pipelines.reporting.facts import Facts
from pipelines.reporting.texts import Texts
from pipelines.runtime.escaping import html_template

SECTIONS = (
    *("status", "tonight", "first", "why", "past"),
    *("contact", "causes", "peace", "health", "reading"),
)
SHOWN = 10
"""Drivers told of by name; the rest are rare."""


def render(facts: Facts, texts: Texts, others: Mapping[str, str]) -> str:
    """The page; ``others`` gives the file of each other language by that language's own name."""
    run = facts.run
    pictures = {name: b64encode(svg).decode() for name, svg in draw(facts, texts).items()}
    first_day = run.as_of + timedelta(days=run.lead_days)
    return html_template("report.html").render(
        facts=facts,
        texts=texts,
        t=texts.say,
        others=others,
        pictures=pictures,
        sections=SECTIONS,
        shown=SHOWN,
        data_age=None if run.data_until is None else (run.as_of - run.data_until).days,
        window=(first_day, first_day + timedelta(days=run.horizon_days - 1)),
    )
