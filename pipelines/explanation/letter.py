"""Answer to a subject access request, in plain words (GDPR article 15), from configs/letters/.

It has this customer's own data only: what others in the household did is in no sentence. The
article asks how long the data are kept and who receives them. Where the company has not entered
that, the answer says so: a guess would be worse than none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template

import pandas as pd

from features.contract import TABLES
from pipelines.config.sections import Section
from pipelines.config.settings import Settings
from pipelines.config.text_files import load_checked, load_names, text_file
from pipelines.explanation.answers import Explanation, explain_customer
from pipelines.explanation.case import TableUse
from pipelines.explanation.counterfactual import outlook
from pipelines.scoring.scores import ATTRIBUTE, attribute_name, attribute_text


class Letter(Section):
    """The texts of one language; ``tables`` and ``changes`` by code, the rest templates."""

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
    tables: Mapping[str, str]
    changes: Mapping[str, str]


def letter_to(
    config: Path, customer: str, as_of: date | None = None, language: str | None = None
) -> str:
    """The answer to the customer's own request, a heading to each part.

    Raises as ``explain_customer`` does.
    """
    explanation = explain_customer(config, customer, as_of, language)
    settings, language = explanation.settings, explanation.words.language
    letter = load_letter(text_file("letters", language))
    band = load_names(text_file("names", language)).bands[explanation.case.listed["risk_band"]]
    filler = _Filler(explanation, letter)
    parts = (
        (letter.title, [filler.fill(letter.asked)]),
        (letter.data, [letter.data_intro, *filler.data(), letter.data_none]),
        (letter.means, [filler.score(), filler.fill(letter.band, band=band)]),
        (letter.reasons, filler.sentences("reason") or [letter.nothing]),
        (letter.keeps, filler.sentences("protective")),
        ("", [letter.association]),
        (letter.change, filler.changes() or [letter.nothing_changes]),
        (letter.decides, [letter.decides_text]),
        (letter.kept, [retention(settings, letter)]),
        (letter.recipients, [recipients(settings, letter)]),
        (letter.rights, [filler.fill(letter.rights_text)]),
    )
    return "\n\n".join("\n".join(filter(None, (head, *body))) for head, body in parts if body)


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
    text = letter.recipients_text if names else letter.recipients_nobody
    filled = Template(letter.recipients_untold if names is None else text)
    return filled.substitute(company=settings.company.name, recipients=", ".join(names or ()))


@dataclass(frozen=True, slots=True)
class _Filler:
    """Fills the texts with this customer's figures, written as the language does."""

    _explanation: Explanation
    _letter: Letter

    def fill(self, text: str, **values: str) -> str:
        found = self._explanation
        company, day = found.settings.company.name, self._day(found.case.as_of)
        return Template(text).substitute(values, company=company, day=day)

    def sentences(self, slot: str) -> list[str]:
        """What the list says."""
        said = self._explanation.sentences
        return [f"– {each.text}" for each in said if each.slot.startswith(slot)]

    def data(self) -> list[str]:
        """The tables with rows of the customer, then each attribute of the model with its value.

        A customer without a first day is no entry: only the attributes are known of them.
        """
        found = self._explanation
        attributes = found.settings.sources["customers"].attributes
        tables = [used for used in found.used if used.table != "customers" or used.first]
        values = {
            attribute_name(key, attribute): attribute_text(found.row[column], attribute)[0]
            for key, attribute in attributes.items()
            if (column := ATTRIBUTE + key) in found.case.model.spec.names
        }
        return [*map(self._table, tables), *(f"– {n}: {v}" for n, v in values.items() if v)]

    def _table(self, used: TableUse) -> str:
        letter, table = self._letter, self._letter.tables[used.table]
        if TABLES[used.table].derived:
            return f"– {table}"
        count = self._explanation.words.word(used.rows, "count", "count")
        if used.first is None or used.last is None:
            return f"– {self.fill(letter.data_undated, table=table, count=count)}"
        first, last = self._day(used.first), self._day(used.last)
        text = letter.data_day if first == last else letter.data_row
        return f"– {self.fill(text, table=table, count=count, first=first, last=last)}"

    def score(self) -> str:
        found, as_of = self._explanation, self._explanation.case.as_of
        window = found.settings.label_window()
        listed = found.case.publication.folder / "risk_list.parquet"
        probability = pd.read_parquet(listed, columns=["churn_probability"])["churn_probability"]
        return self.fill(
            self._letter.score,
            percent=self._percent(found.probability),
            average=self._percent(probability.mean()),
            start=self._day(window.start(as_of)),
            end=self._day(window.end(as_of) - pd.Timedelta(days=1)),
        )

    def changes(self) -> list[str]:
        texts, now = self._letter.changes, self._percent(self._explanation.probability)
        would, changes = self._letter.would, outlook(self._explanation)
        pairs = [(texts[driver], self._percent(probability)) for driver, probability in changes]
        return [self.fill(would, change=text, now=now, then=share) for text, share in pairs]

    def _percent(self, share: float) -> str:
        return self._explanation.words.word(share, "ratio", "percent")

    def _day(self, day: date) -> str:
        return self._explanation.words.word(day, "date", "date")
