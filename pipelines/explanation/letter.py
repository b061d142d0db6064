"""Answer to a subject access request, in plain words (GDPR article 15).

It has this customer's own data only: what others in the household did is left out.
"""

from collections.abc import Iterator
from string import Template

import pandas as pd

from features.contract import TABLES
from pipelines.config.settings import Settings
from pipelines.config.text_files import Names
from pipelines.explanation.counterfactual import Outlook
from pipelines.explanation.customer_matrix import TableUse
from pipelines.explanation.explanation import Explanation, Sentence
from pipelines.explanation.letter_texts import Letter, recipients, retention
from pipelines.lists.wording import FactType, Style, words

_OF_OTHERS = "household"


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
