"""Configuration errors: every problem in one message, without its secrets."""

import difflib
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from pydantic import BaseModel

from features.errors import ConfigError

Place = tuple[str | int, ...]
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_NAME = re.compile("pass|pwd|secret|token|key", re.I)
_PASSWORD = re.compile(r"(://[^:/@\s'\"]*:)([^@\s'\"]+)(@)")
_LONGEST = 80


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
    """Passwords in addresses that are written out, and databases not named by a variable."""
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
            '"${STILLE_DB_URI}" and set that environment variable',
        )


def _is_secret(value: str, place: Place) -> bool:
    hidden = place[-3:-1] == ("database", "options") and _SECRET_NAME.search(str(place[-1]))
    if place[-2:] == ("database", "uri") or hidden:
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
    if place[-1:] == ("uri",) and not VARIABLE.fullmatch(str(document)):
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
