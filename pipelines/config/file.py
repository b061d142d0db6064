"""YAML loading into a pydantic model: capped, environment variables expanded."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError
from pipelines.config import errors
from pipelines.config.errors import Place, Problem

MAX_BYTES = 1_000_000
MAX_ALIASES = 50
PREFIX = "STILLE__"

Model = TypeVar("Model", bound=BaseModel)
_BOOLEAN = "tag:yaml.org,2002:bool"


def read_config(
    path: Path, model: type[Model], more: Callable[[Mapping[str, Any]], Iterable[Problem]]
) -> Model:
    """Read ``path`` into ``model``; ``more`` finds what the model's types cannot.

    Raises ``ConfigError`` naming every problem at once.
    """
    document = _load(path)
    problems = list(errors.secret_problems(document))
    _override(document, path)
    expanded = _expand(document, (), problems)
    problems += more(expanded)
    try:
        settings = model.model_validate(expanded)
    except ValidationError as error:
        problems += [errors.explained(detail, model, document) for detail in error.errors()]
    if problems:
        raise errors.refusal(path, problems)
    return settings


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give --config") from error
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{path}: {len(text):,} bytes; a configuration has at most {MAX_BYTES:,}")
    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))
        if aliases > MAX_ALIASES:
            raise ConfigError(f"{path}: {aliases} YAML aliases; at most {MAX_ALIASES} are allowed")
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - derives from SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not plain YAML: {errors.mask_passwords(str(error))}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: found {type(document).__name__}; a mapping is needed")
    return document


class _Loader(yaml.SafeLoader):
    """Plain data only; ``no``, ``on`` and ``yes`` stay words, and a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != _BOOLEAN or first in "tTfF"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _override(document: dict[str, Any], path: Path) -> None:
    for name in sorted(os.environ):
        if not name.startswith(PREFIX):
            continue
        steps = name.removeprefix(PREFIX).split("__")
        section = document
        for step in steps[:-1]:
            section = section.setdefault(_match(section, step), {})
            if not isinstance(section, dict):
                raise ConfigError(f"{path}: {name} points inside a value, not a section")
        section[_match(section, steps[-1])] = yaml.load(os.environ[name], Loader=_Loader)  # noqa: S506  (as above)


def _match(section: Mapping[str, Any], step: str) -> str:
    """Environment names are upper case: take the key that differs only in case."""
    return next((key for key in section if str(key).lower() == step.lower()), step.lower())


def _expand(value: Any, place: Place, problems: list[Problem]) -> Any:
    if isinstance(value, dict):
        return {key: _expand(item, (*place, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, (*place, i), problems) for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        if name not in os.environ and default is None:
            problems.append(Problem(place, f"environment variable {name} is not set"))
        return os.environ.get(name, default or "")

    return errors.VARIABLE.sub(replace, value)
