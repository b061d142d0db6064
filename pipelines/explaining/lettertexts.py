"""The texts of the answer to a customer, in one language, read from configs/letters/."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipelines.lists.checkedfile import load_checked


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
