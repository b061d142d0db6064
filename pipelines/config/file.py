"""YAML loading into a pydantic model: capped, environment variables expanded.

Every problem is told in one message, without the configuration's secrets.
"""

import difflib
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError

Place = tuple[str | int, ...]
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_NAME = re.compile("pass|pwd|secret|token|key", re.I)
_PASSWORD = re.compile(r"(://[^:/@\s'\"]*:)([^@\s'\"]+)(@)")
_LONGEST = 80
_RECEIVERS = (("notifications", "addresses"), ("notifications", "ping"))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, and what is wrong with it."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place)) or '(top)'}: {self.message}"


def nearest(word: str, candidates: Iterable[str]) -> str:
    """A question for the closest known word, or nothing.

    >>> nearest("colums", ["columns", "value"])
    "; did you mean 'columns'?"
    """
    close = difflib.get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def mask_passwords(text: str) -> str:
    """The text with the password of every address in it replaced.

    >>> mask_passwords("postgresql://stille:secret@host/crm")
    'postgresql://stille:***@host/crm'
    """
    return _PASSWORD.sub(r"\1***\3", text)


def refusal(path: Path, problems: Iterable[Problem]) -> ConfigError:
    lines = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
    return ConfigError(f"{path} cannot be used:\n{lines}\nmend it, then run: stille check")


def secret_problems(value: Any, place: Place = ()) -> Iterator[Problem]:
    """Passwords in addresses that are written out, and secrets not named by a variable."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from secret_problems(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from secret_problems(item, (*place, number))
    elif isinstance(value, str) and _is_secret(value, place):
        yield Problem(
            place,
            "an address with a password does not belong in a configuration: write "
            '"${STILLE_DB_URI}", or another name, and set that environment variable',
        )


def _is_secret(value: str, place: Place) -> bool:
    hidden = place[-3:-1] == ("database", "options") and _SECRET_NAME.search(str(place[-1]))
    if place[-2:] == ("database", "uri") or place[:2] in _RECEIVERS or hidden:
        variable = VARIABLE.fullmatch(value)
        return variable is None or variable.group(2) is not None
    return any(not VARIABLE.fullmatch(found.group(2)) for found in _PASSWORD.finditer(value))


def explained(detail: Any, model: type[BaseModel], document: Mapping[str, Any]) -> Problem:
    """A Pydantic error in words: what was found, what is allowed, what was perhaps meant."""
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
    secret = place[-1:] == ("uri",) or place[:2] in _RECEIVERS
    if secret and not VARIABLE.fullmatch(str(document)):
        return "an address"
    text = mask_passwords(repr(document))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "…"


def _fields(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    kind: Any = model
    for step in place:
        kind = _model_of(kind)
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        kind = kind.model_fields[str(step)].annotation if is_model else typing.get_args(kind)[-1]
    return tuple(_model_of(kind).model_fields)


def _model_of(kind: Any) -> Any:
    if typing.get_origin(kind) not in (typing.Annotated, Union, types.UnionType):
        return kind
    return _model_of(next(arg for arg in typing.get_args(kind) if arg is not types.NoneType))


MAX_BYTES = 1_000_000
MAX_ALIASES = 50
PREFIX = "STILLE__"

Model = TypeVar("Model", bound=BaseModel)
_BOOLEAN = "tag:yaml.org,2002:bool"


def read_config(
    path: Path, model: type[Model], more: Callable[[Mapping[str, Any]], Iterable[Problem]]
) -> Model:
    """Read ``path`` into ``model``; ``more`` finds what the model's types cannot.

    Raises ``ConfigError`` naming every problem at once. Of a model that ignores other keys, only
    its own are looked at.
    """
    document = _load(path)
    problems = list(secret_problems(document))
    _override(document, path)
    if model.model_config.get("extra") == "ignore":
        document = {key: document[key] for key in document if key in model.model_fields}
        problems = []
    expanded = _expand(document, (), problems)
    problems += more(expanded)
    try:
        settings = model.model_validate(expanded)
    except ValidationError as error:
        problems += [explained(detail, model, document) for detail in error.errors()]
    if problems:
        raise refusal(path, problems)
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
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not plain YAML: {mask_passwords(str(error))}") from error
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
        section[_match(section, steps[-1])] = yaml.load(os.environ[name], Loader=_Loader)  # noqa: S506  (a SafeLoader)


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

    return VARIABLE.sub(replace, value)
