"""A YAML file that an operator edits, read into the model that says what may stand in it."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError

M = TypeVar("M", bound=BaseModel)


def load_checked(path: Path, model: type[M], what: str) -> M:
    """Read ``path`` as ``model``; raises ``ConfigError`` saying that it is not ``what``."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot read {what}, {path}: {error.strerror}.") from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not {what}: {error}") from error
