"""Writer of the report: one offline HTML page, every value escaped, for each language of the lists.

It is opened from a folder and sent by mail, where scripts and networks do not work.
"""

import shlex
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from pipelines.config.text_files import Names, load_checked, text_file
from pipelines.lists.actions import load_actions
from pipelines.reporting.charts import draw
from pipelines.reporting.facts import Facts
from pipelines.reporting.texts import Texts, load_texts
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.escaping import page_template

DETAILS = (
    *("first", "why", "past", "contact", "causes"),
    *("questions", "peace", "overrides", "parity", "health", "reading"),
)
MAX_ROWS = 10
"""Drivers told of by name; the rest are rare."""


def render(facts: Facts, texts: Texts, others: Mapping[str, str]) -> str:
    """The page; ``others`` gives the file of each other language by that language's own name."""
    run = facts.run
    pictures = {name: b64encode(svg).decode() for name, svg in draw(facts, texts).items()}
    first_day = run.as_of + timedelta(days=run.lead_days)
    return page_template("report.html").render(
        facts=facts,
        texts=texts,
        t=texts.say,
        others=others,
        pictures=pictures,
        details=DETAILS,
        day=date.fromisoformat,
        shown=MAX_ROWS,
        data_age=None if run.data_until is None else (run.as_of - run.data_until).days,
        window=(first_day, first_day + timedelta(days=run.horizon_days - 1)),
    )


def write_report(
    facts: Facts, languages: tuple[str, ...], folder: Path, config: Path | None = None
) -> None:
    """Write ``report.html`` in the first language and ``report.<language>.html`` in the others.

    Commands in them name ``config``. Raises ``ConfigError`` for a language without texts,
    ``PublicationError`` when the disk refuses.
    """
    files = {each: f"report.{each}.html" for each in languages} | {languages[0]: "report.html"}
    texts = {language: texts_of(language, config) for language in languages}
    for language, name in files.items():
        others = {
            texts[other].say("language"): file for other, file in files.items() if other != language
        }
        with storage_errors(f"write the report {name}"):
            (folder / name).write_text(render(facts, texts[language], others), encoding="utf-8")


def texts_of(language: str, config: Path | None = None) -> Texts:
    """A language's texts, with the lists' names for codes and what the actions are called."""
    texts = load_texts(text_file("report", language))
    names = load_checked(text_file("names", language), Names, "the names")
    actions = load_actions().actions
    kinds = {
        "drivers": names.drivers,
        "families": names.families,
        "qualities": names.qualities,
        "actions": {code: action.text(language) for code, action in actions.items()},
    }
    named = {f"{kind}.{code}": name for kind, by in kinds.items() for code, name in by.items()}
    option = "" if config is None else f" --config {shlex.quote(str(config))}"
    return replace(texts, texts={**texts.texts, **named}, config=option)
