"""The files beside the configuration that an operator edits and a list depends on."""

from pathlib import Path

from pipelines.settings import Settings

ACTIONS = Path("configs/actions.yaml")
_SENTENCES = Path("configs/reasons")


def sentences_of(language: str) -> Path:
    """The file of a language's sentences."""
    return _SENTENCES / f"{language}.yaml"


def rule_files(settings: Settings) -> tuple[Path, ...]:
    """Every such file of this configuration."""
    return (ACTIONS, *map(sentences_of, settings.list.languages))
