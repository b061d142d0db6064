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
from functools import reduce
from itertools import islice
from operator import getitem
from pathlib import Path
from typing import Any, TypeVar, Union

import yaml
from pydantic import BaseModel, ValidationError

from features.errors import ConfigError, without_passwords

Place = tuple[str | int, ...]
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_NAME = re.compile("pass|pwd|secret|token|key|signature", re.I)
# Null, the controls of terminals, what turns the direction of text round, halves of letters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONGEST = 80
_RECEIVERS = (("notifications", "addresses"), ("notifications", "ping"))
_MOST_TOLD = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, and what is wrong with it."""

    place: Place
    message: str

    def __str__(self) -> str:
        place = ".".join(_short(str(step)) for step in self.place)
        return f"{place or '(top)'}: {_short(self.message, 10 * _LONGEST)}"


def _short(text: str, longest: int = _LONGEST) -> str:
    text = _UNSEEN.sub("?", text)
    return text if len(text) <= longest else text[: longest - 3] + "…"


def nearest(word: str, candidates: Iterable[str]) -> str:
    """A question for the closest known word, or nothing.

    >>> nearest("colums", ["columns", "value"])
    "; did you mean 'columns'?"
    """
    close = difflib.get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def secret_problems(value: Any) -> Iterator[Problem]:
    """Passwords in addresses that are written out, and secrets not named by a variable."""
    for where, text in _texts(value):
        if _is_secret(text, where):
            yield Problem(
                where,
                "an address with a password does not belong in a configuration: write "
                '"${STILLE_DB_URI}", or another name, and set that environment variable',
            )


def _is_secret(value: str, place: Place) -> bool:
    hidden = place[-3:-1] == ("database", "options") and _SECRET_NAME.search(str(place[-1]))
    if place[-2:] == ("database", "uri") or place[:2] in _RECEIVERS or hidden:
        variable = VARIABLE.fullmatch(value)
        return variable is None or variable.group(2) is not None
    plain = VARIABLE.sub("", value)
    return "://" in plain and without_passwords(plain) != plain


def text_problems(value: Any) -> Iterator[Problem]:
    """Texts with a character that nobody sees, and secrets in an address's query, which is logged.

    ``value`` has the variables' values already; none is shown.
    """
    for place, text in _texts(value):
        unseen = None if place[-1:] == ("delimiter",) else _UNSEEN.search(text)
        if unseen:
            code = f"U+{ord(unseen.group()):04X}"
            yield Problem(place, f"has a character that cannot be seen ({code}): take it out")
        address, mark, query = text.partition("?")
        logged = "://" in address and not {"database", "notifications"} & {*place}
        if logged and without_passwords(mark + query) != mark + query:
            yield Problem(
                place,
                "a secret in an address's query ends in logs: give it in the environment (MLflow "
                "reads MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and …_PASSWORD)",
            )


def _texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every text with its place; a key's is that of its mapping."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield place, str(key)
            yield from _texts(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*place, number))
    elif isinstance(value, str):
        yield place, value


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
    try:
        found = reduce(getitem, place, document)
    except (KeyError, IndexError, TypeError):
        return "nothing"
    if _is_secret(str(found), place):
        return "an address"
    return _short(without_passwords(repr(found)))


def _fields(kind: Any, place: Place) -> tuple[str, ...]:
    while typing.get_origin(kind) in (typing.Annotated, Union, types.UnionType):
        kind = next(arg for arg in typing.get_args(kind) if arg is not types.NoneType)
    if not place:
        return tuple(kind.model_fields)
    fields = getattr(kind, "model_fields", None)
    items = [arg for arg in typing.get_args(kind) if arg is not ...]
    return _fields(fields[place[0]].annotation if fields else items[-1], place[1:])


MAX_BYTES = 250_000
MAX_NODES = 10_000
MAX_DEPTH = 40
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
    document = read_plain(path, "; give --config")
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: found {type(document).__name__}; a mapping is needed")
    problems = list(secret_problems(document))
    _override(document, path)
    if model.model_config.get("extra") == "ignore":
        document = {key: document[key] for key in document if key in model.model_fields}
        problems = []
    expanded = _expand(document)
    problems += _unset(document)
    problems += islice((*text_problems(expanded), *more(expanded)), _MOST_TOLD)
    try:
        settings = model.model_validate(expanded, context={"folder": path.parent})
    except ValidationError as error:
        told = error.errors()[:_MOST_TOLD]
        problems += [explained(detail, model, document) for detail in told]
    if problems:
        lines = "\n".join(f"  {problem}" for problem in dict.fromkeys(problems))
        raise ConfigError(f"{path} cannot be used:\n{lines}\nmend it, then run: stille check")
    return settings


def read_plain(path: Path, hint: str = "") -> Any:
    """The plain data of a YAML file; raises ``ConfigError`` for any other file, or a large one."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: cannot be read (no file but a folder or device)")
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        name = _short(str(path), 4 * _LONGEST)
        raise ConfigError(f"{name}: cannot be read ({reason}){hint}") from error
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{path}: a configuration has at most {MAX_BYTES:,} bytes")
    return _parse(text, str(path))


def _parse(text: str | bytes, name: str) -> Any:
    """Plain data of YAML; raises ``ConfigError`` for anything else."""
    try:
        _refuse_bombs(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, UnicodeError) as error:
        message = without_passwords(_short(str(error), 10 * _LONGEST))
        raise ConfigError(f"{name}: not plain YAML: {message}") from None


def _refuse_bombs(text: str | bytes) -> None:
    """Raise ``YAMLError`` for what is too large or too deep, aliases counted with all they hold."""
    sizes: dict[str | None, int] = {}
    around: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            around.append((event.anchor, total))
            sizes[event.anchor] = MAX_NODES  # of one that holds itself
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = around.pop()
            sizes[anchor] = total - before
        if isinstance(event, yaml.NodeEvent):
            total += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        if total >= MAX_NODES or len(around) > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"too many values (at most {MAX_NODES:,}, aliases counted with all that "
                f"they stand for) or too deep (at most {MAX_DEPTH})",
                problem_mark=event.start_mark,  # type: ignore[arg-type]  # every event has one
            )


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # one of two, whichever is installed
    """Plain data only; ``no``, ``on`` and ``yes`` stay words, and a repeated key is an error."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            found = super().construct_object(node, deep=deep)
            if isinstance(found, int) and abs(found) >= 2**63:
                raise ValueError("too many digits")
            return found
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"no {kind} ({error})", node.start_mark
            ) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            name = str(key.value)
            if name in seen and key.tag != "tag:yaml.org,2002:merge":
                wrong = f"key {name!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, wrong, key.start_mark)
            seen.add(name)
        return dict(super().construct_mapping(node, deep=deep))


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != _BOOLEAN or first in "tTfF"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _override(document: dict[str, Any], path: Path) -> None:
    for name in sorted(os.environ):
        if not name.startswith(PREFIX):
            continue
        *above, last = name.removeprefix(PREFIX).split("__")
        section = document
        for step in above[:MAX_DEPTH]:
            section = section.setdefault(_match(section, step), {})
            if not isinstance(section, dict):
                raise ConfigError(f"{path}: {_short(name)} points inside a value, not a section")
        section[_match(section, last)] = _parse(os.environ[name], _short(name))


def _match(section: Mapping[str, Any], step: str) -> str:
    """Environment names are upper case: take the key that differs only in case."""
    return next((key for key in section if str(key).lower() == step.lower()), step.lower())


def _expand(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: os.environ.get(match[1], match[2] or ""), value)
    return value


def _unset(document: Any) -> Iterator[Problem]:
    for place, text in _texts(document):
        for name, default in (found.groups() for found in VARIABLE.finditer(text)):
            if default is None and name not in os.environ:
                yield Problem(place, f"environment variable {name} is not set")
