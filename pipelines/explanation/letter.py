"""Answer to a subject access request, in plain words (GDPR article 15).

It has this customer's own data only: what others in the household did is left out.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from string import Template

import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.contract import TABLES
from pipelines.config.settings import Settings, load_settings
from pipelines.config.text_files import Names, load_checked, load_names, text_file
from pipelines.explanation.case import TableUse
from pipelines.explanation.counterfactual import Outlook, outlook
from pipelines.explanation.explanation import Explanation, Sentence, explain_customer
from pipelines.lists.templates import load_templates
from pipelines.lists.wording import FactType, Style, words


class Letter(BaseModel):
    """The texts of one language; ``tables`` and ``changes`` by code, the rest templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    asked: str
    data: str
    data_intro: str
    data_row: str
    data_day: str
    data_undated: str
    data_none: str
    means: str
    score: str
    band: str
    reasons: str
    keeps: str
    association: str
    nothing: str
    change: str
    would: str
    nothing_changes: str
    decides: str
    decides_text: str
    kept: str
    kept_text: str
    kept_untold: str
    recipients: str
    recipients_text: str
    recipients_nobody: str
    recipients_untold: str
    rights: str
    rights_text: str
    household: str
    tables: Mapping[str, str]
    changes: Mapping[str, str]


def load_letter(path: Path) -> Letter:
    """Read ``<language>.yaml``; raises ``ConfigError`` when it is not a letter's texts."""
    return load_checked(path, Letter, "a letter's texts")


def retention(settings: Settings, letter: Letter) -> str:
    """For how many months the data are kept, or that it is not known."""
    months = settings.privacy.kept_months
    text = letter.kept_untold if months is None else letter.kept_text
    return Template(text).substitute(company=settings.company.name, months=str(months))


def recipients(settings: Settings, letter: Letter) -> str:
    """Who receives the data beside the company's own people, nobody, or that it is not known."""
    names = settings.privacy.recipients
    text = letter.recipients_untold if names is None else letter.recipients_nobody
    if names:
        text = letter.recipients_text
    return Template(text).substitute(
        company=settings.company.name, recipients=", ".join(names or ())
    )


_OF_OTHERS = "household"


def letter_to(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> str:
    """The answer to the customer's own request, as text; raises as ``explain_customer`` does."""
    settings = load_settings(config)
    language_code = language or settings.list.languages[0]
    letter, names = (
        load_letter(text_file("letters", language_code)),
        load_names(text_file("names", language_code)),
    )
    found = explain_customer(config, customer, as_of, language_code)
    listed = found.case.publication.folder / "risk_list.parquet"
    average = pd.read_parquet(listed, columns=["churn_probability"])["churn_probability"].mean()
    changes = outlook(settings, found, float(average))
    style = load_templates(text_file("reasons", language_code)).style
    return write_letter(settings, found, changes, letter, names, style)


def write_letter(
    settings: Settings,
    found: Explanation,
    outlook: Outlook,
    letter: Letter,
    names: Names,
    style: Style,
) -> str:
    """The letter as text, a heading to each part."""
    filler = _Filler(settings, found, style)
    parts = (
        (letter.title, [filler.fill(letter.asked)]),
        (letter.data, [*filler.data(letter), letter.data_none]),
        (
            letter.means,
            [filler.score(letter, outlook), filler.fill(letter.band, band=names.bands[found.band])],
        ),
        (letter.reasons, list(_sentences(found, letter, "reason")) or [letter.nothing]),
        (letter.keeps, list(_sentences(found, letter, "protective"))),
        ("", [letter.association]),
        (letter.change, filler.changes(letter, outlook) or [letter.nothing_changes]),
        (letter.decides, [letter.decides_text]),
        (letter.kept, [retention(settings, letter)]),
        (letter.recipients, [recipients(settings, letter)]),
        (letter.rights, [filler.fill(letter.rights_text)]),
    )
    return "\n\n".join(
        "\n".join([*([head] if head else []), *body]) for head, body in parts if body
    )


def _sentences(found: Explanation, letter: Letter, slot: str) -> Iterator[str]:
    for sentence in found.sentences:
        if sentence.slot.startswith(slot):
            yield f"– {_own(sentence, letter)}"


def _own(sentence: Sentence, letter: Letter) -> str:
    return letter.household if sentence.driver == _OF_OTHERS else sentence.text


class _Filler:
    """Fills the texts with this customer's figures, written as the language does."""

    def __init__(self, settings: Settings, found: Explanation, style: Style) -> None:
        self._found, self._style = found, style
        self._window = settings.label_window()
        self._company, self._currency = settings.company.name, settings.company.currency

    def fill(self, text: str, **values: str) -> str:
        day = self._word(self._found.case.as_of, "date", "date")
        return Template(text).substitute(values, company=self._company, day=day)

    def data(self, letter: Letter) -> Iterator[str]:
        yield letter.data_intro
        for used in self._found.used:
            yield f"– {self._used(letter, used)}"

    def _used(self, letter: Letter, used: TableUse) -> str:
        table = letter.tables[used.table]
        if TABLES[used.table].derived:
            return table
        count = self._word(used.rows, "count", "count")
        if used.first is None or used.last is None:
            return self.fill(letter.data_undated, table=table, count=count)
        first, last = (self._word(day, "date", "date") for day in (used.first, used.last))
        text = letter.data_day if first == last else letter.data_row
        return self.fill(text, table=table, count=count, first=first, last=last)

    def score(self, letter: Letter, outlook: Outlook) -> str:
        as_of = self._found.case.as_of
        last = self._window.end(as_of) - pd.Timedelta(days=1)
        return self.fill(
            letter.score,
            percent=self._percent(self._found.probability),
            average=self._percent(outlook.average),
            start=self._word(self._window.start(as_of), "date", "date"),
            end=self._word(last, "date", "date"),
        )

    def changes(self, letter: Letter, outlook: Outlook) -> list[str]:
        now = self._percent(self._found.probability)
        return [
            self.fill(
                letter.would,
                change=letter.changes[change.driver],
                now=now,
                then=self._percent(change.probability),
            )
            for change in outlook.changes
        ]

    def _percent(self, share: float) -> str:
        return self._word(share, "ratio", "percent")

    def _word(self, value: object, kind: FactType, form: str) -> str:
        return str(words(pd.Series([value]), "", kind, form, self._style, self._currency)[0])
