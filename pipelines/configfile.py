"""YAML into a checked model: safe and capped, variables expanded, all errors in one message."""

import difflib
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_ALIASES = 50
PREFIX = "STILLE__"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
_BOOLEAN = "tag:yaml.org,2002:bool"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, and what is wrong with it."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place)) or '(top)'}: {self.message}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the closest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def read_config(
    path: Path, model: type[Model], more: Callable[[Mapping[str, Any]], tuple[Problem, ...]]
) -> Model:
    """Read ``path`` into ``model``; ``more`` finds what the model's types cannot.

    Raises ``ConfigError`` naming every problem at once.
    """
    document = _load(path)
    _override(document, path)
    missing: list[Problem] = []
    expanded = _expand(document, (), missing)
    problems = [*missing, *more(expanded)]
    try:
        settings = model.model_validate(expanded)
    except ValidationError as error:
        problems += [_problem(detail, model, document) for detail in error.errors()]
    if problems:
        raise _refusal(path, problems)
    return settings


def _refusal(path: Path, problems: list[Problem]) -> ConfigError:
    lines = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
    return ConfigError(f"{path} cannot be used:\n{lines}\nmend it, then run: stille check")


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
        raise ConfigError(f"{path}: not plain YAML: {error}") from error
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
        section[_match(section, steps[-1])] = yaml.load(os.environ[name], Loader=_Loader)  # noqa: S506


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

    return _VARIABLE.sub(replace, value)


def _problem(detail: Any, model: type[BaseModel], document: Mapping[str, Any]) -> Problem:
    place: Place = detail["loc"]
    if detail["type"] == "extra_forbidden":
        allowed = _fields(model, place[:-1])
        guess = nearest(str(place[-1]), allowed)
        return Problem(place, f"unknown key; allowed: {', '.join(allowed)}{guess}")
    if detail["type"] == "missing":
        return Problem(place, "required, and not given")
    found = f"found {_written(document, place)}; "
    return Problem(place, found + str(detail["msg"]).removeprefix("Value error, "))


def _written(document: Any, place: Place) -> str:
    """The value as the file has it, so that an expanded secret is never shown."""
    for step in place:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return "nothing"
    text = repr(document)
    return text if len(text) <= 80 else text[:77] + "…"


def _fields(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    kind: Any = model
    for step in place:
        kind = _model_of(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(step)].annotation
        else:
            kind = typing.get_args(kind)[-1]
    kind = _model_of(kind)
    return tuple(kind.model_fields)


def _model_of(kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return _model_of(typing.get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return _model_of(next(arg for arg in typing.get_args(kind) if arg is not type(None)))
    return kind
