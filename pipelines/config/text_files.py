"""Text files in ``configs``: actions, sentences, titles and names that operators edit.

Their bytes are part of the configuration's digest. The environment variable STILLE_TEXTS names a
company's own copy of that folder.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from features.errors import ConfigError
from pipelines.config.file import read_plain
from pipelines.config.sections import Section

_FOLDER = Path(os.environ.get("STILLE_TEXTS") or Path(__file__).parents[2] / "configs")
ACTIONS, OUTCOMES = _FOLDER / "actions.yaml", _FOLDER / "outcomes.yaml"
STORY, WORDS = _FOLDER / "story.yaml", _FOLDER / "words.yaml"
WAREHOUSES = _FOLDER / "warehouses.yaml"
TextKind = Literal["reasons", "titles", "names", "letters", "report", "worklists", "pages"]
_OF_LISTS: tuple[TextKind, ...] = ("reasons", "titles", "names", "report", "worklists", "pages")
Checked = TypeVar("Checked", bound=BaseModel)


class Names(Section):
    """What the lists' codes are called in one language, by code."""

    families: Mapping[str, str]
    drivers: Mapping[str, str]
    bands: Mapping[str, str]
    lanes: Mapping[str, str]
    qualities: Mapping[str, str]


def text_file(kind: TextKind, language: str) -> Path:
    """The file of a language's texts; ``letters`` are the answers to a customer."""
    return _FOLDER / kind / f"{language}.yaml"


def rule_files(languages: Sequence[str]) -> Mapping[str, Path]:
    """Every file on which lists in these languages depend, by its place in the folder."""
    texts = (text_file(kind, each) for kind in _OF_LISTS for each in languages)
    files = (ACTIONS, OUTCOMES, STORY, *texts)
    return {f"configs/{path.relative_to(_FOLDER).as_posix()}": path for path in files}


def read_yaml(path: Path, what: str) -> Any:
    """The content of ``path``; raises ``ConfigError`` saying that it is not one of ``what``."""
    try:
        return read_plain(path)
    except ConfigError as error:
        kind = "cannot read" if not path.is_file() else "not a file of"
        raise ConfigError(f"{kind} {what}: {error}") from error


def load_checked(path: Path, model: type[Checked], what: str) -> Checked:
    """Read ``path`` as ``model``; raises ``ConfigError`` saying that it is not ``what``."""
    try:
        return model.model_validate(read_yaml(path, what))
    except ValidationError as error:
        raise ConfigError(f"{path} is not {what}: {error}") from error


def load_titles(path: Path) -> Mapping[str, str]:
    """Each column's header; raises ``ConfigError`` unless the file maps names to unlike texts."""
    found = read_yaml(path, "the titles")
    if not isinstance(found, dict) or not all(
        isinstance(part, str) for pair in found.items() for part in pair
    ):
        raise ConfigError(f"{path}: must map each column's name to its title, both texts.")
    if len(set(found.values())) < len(found):
        raise ConfigError(f"{path}: two columns have the same title; each needs its own.")
    return found
