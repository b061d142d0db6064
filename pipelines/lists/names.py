"""What the lists' codes are called in a language, read from configs/names/."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipelines.lists.checkedfile import load_checked


class Names(BaseModel):
    """Names by code, of one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: Mapping[str, str]
    drivers: Mapping[str, str]
    bands: Mapping[str, str]
    lanes: Mapping[str, str]
    qualities: Mapping[str, str]


def load_names(path: Path) -> Names:
    """Read ``<language>.yaml``; raises ``ConfigError`` when it is not a file of names."""
    return load_checked(path, Names, "a file of names")
