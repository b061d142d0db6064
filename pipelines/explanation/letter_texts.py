"""Texts of the answer to a subject access request (GDPR article 15), from configs/letters/.

The article asks how long the data are kept and who receives them. Where the company has not entered
that, the answer says so: a guess would be worse than none.
"""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from pydantic import BaseModel, ConfigDict

from pipelines.config.settings import Settings
from pipelines.config.text_files import load_checked


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
    text = letter.recipients_text if names else letter.recipients_nobody
    filled = Template(letter.recipients_untold if names is None else text)
    return filled.substitute(company=settings.company.name, recipients=", ".join(names or ()))
