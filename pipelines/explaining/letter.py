"""Answer to a subject access request, in plain words (GDPR article 15).

It has this customer's own data only: what others in the household did is left out.
"""

from collections.abc import Iterator
from string import Template

import pandas as pd

from features.tables import TABLES
from pipelines.explaining.explanation import Explanation, Told
from pipelines.explaining.lettertexts import Letter, recipients, retention
from pipelines.explaining.opened import Used
from pipelines.explaining.whatif import Outlook
from pipelines.lists.rules import Names
from pipelines.lists.wording import FactType, Style, words
from pipelines.settings import Settings

_OF_OTHERS = "household"


def write_letter(
    settings: Settings,
    found: Explanation,
    seen: Outlook,
    letter: Letter,
    names: Names,
    style: Style,
) -> str:
    """The letter as text, a heading to each part."""
    said = _Said(settings, found, style)
    parts = (
        (letter.title, [said.fill(letter.asked)]),
        (letter.data, [*said.data(letter), letter.data_none]),
        (
            letter.means,
            [said.score(letter, seen), said.fill(letter.band, band=names.bands[found.band])],
        ),
        (letter.reasons, list(_told(found, letter, "reason")) or [letter.nothing]),
        (letter.keeps, list(_told(found, letter, "protective"))),
        ("", [letter.association]),
        (letter.change, said.changes(letter, seen) or [letter.nothing_changes]),
        (letter.decides, [letter.decides_text]),
        (letter.kept, [retention(settings, letter)]),
        (letter.recipients, [recipients(settings, letter)]),
        (letter.rights, [said.fill(letter.rights_text)]),
    )
    return "\n\n".join(
        "\n".join([*([head] if head else []), *body]) for head, body in parts if body
    )


def _told(found: Explanation, letter: Letter, slot: str) -> Iterator[str]:
    for told in found.told:
        if told.slot.startswith(slot):
            yield f"– {_own(told, letter)}"


def _own(told: Told, letter: Letter) -> str:
    return letter.household if told.driver == _OF_OTHERS else told.text


class _Said:
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

    def _used(self, letter: Letter, used: Used) -> str:
        table = letter.tables[used.table]
        if TABLES[used.table].derived:
            return table
        count = self._word(used.rows, "count", "count")
        if used.first is None or used.last is None:
            return self.fill(letter.data_undated, table=table, count=count)
        first, last = (self._word(day, "date", "date") for day in (used.first, used.last))
        text = letter.data_day if first == last else letter.data_row
        return self.fill(text, table=table, count=count, first=first, last=last)

    def score(self, letter: Letter, seen: Outlook) -> str:
        as_of = self._found.case.as_of
        last = self._window.end(as_of) - pd.Timedelta(days=1)
        return self.fill(
            letter.score,
            percent=self._percent(self._found.probability),
            average=self._percent(seen.average),
            start=self._word(self._window.start(as_of), "date", "date"),
            end=self._word(last, "date", "date"),
        )

    def changes(self, letter: Letter, seen: Outlook) -> list[str]:
        now = self._percent(self._found.probability)
        return [
            self.fill(
                letter.would,
                change=letter.changes[change.driver],
                now=now,
                then=self._percent(change.probability),
            )
            for change in seen.changes
        ]

    def _percent(self, share: float) -> str:
        return self._word(share, "ratio", "percent")

    def _word(self, value: object, kind: FactType, form: str) -> str:
        return str(words(pd.Series([value]), "", kind, form, self._style, self._currency)[0])
