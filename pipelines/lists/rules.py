"""The files beside the configuration that an operator edits and a list depends on."""

from pathlib import Path

from pipelines.lists.layout import Layout, load_titles
from pipelines.settings import Settings

ACTIONS = Path("configs/actions.yaml")
_SENTENCES = Path("configs/reasons")
_TITLES = Path("configs/titles")
_NAMES = Path("configs/names")
_LETTERS = Path("configs/letters")
_REPORT = Path("configs/report")


def sentences_of(language: str) -> Path:
    """The file of a language's sentences."""
    return _SENTENCES / f"{language}.yaml"


def titles_of(language: str) -> Path:
    """The file of a language's column titles."""
    return _TITLES / f"{language}.yaml"


def layout_of(settings: Settings, language: str) -> Layout:
    """The layout of a list whose texts are in ``language``; raises ``ConfigError``."""
    profiles = settings.list.profiles
    excel, xlsx = f"excel-{language}" in profiles, "xlsx" in profiles
    return Layout(
        crm="crm" in profiles,
        excel=excel,
        xlsx=xlsx,
        rows_per_file=settings.list.rows_per_file,
        titles=load_titles(titles_of(language)) if excel or xlsx else {},
    )


def names_of(language: str) -> Path:
    """The file of a language's names for codes."""
    return _NAMES / f"{language}.yaml"


def letter_of(language: str) -> Path:
    """The file of a language's answer to a customer."""
    return _LETTERS / f"{language}.yaml"


def report_texts_of(language: str) -> Path:
    """The file of the report's texts in a language."""
    return _REPORT / f"{language}.yaml"


def rule_files(settings: Settings) -> tuple[Path, ...]:
    """Every such file of this configuration."""
    kinds = (sentences_of, titles_of, names_of, report_texts_of)
    return (ACTIONS, *(of(language) for of in kinds for language in settings.list.languages))
