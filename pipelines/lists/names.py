"""What the lists' codes are called in a language, read from configs/names/."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ConfigError


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
    try:
        return Names.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read the names {path}: {error.strerror}.") from error
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{path} is not a file of names: {error}") from error
