"""Task runner: how a run calls its steps, directly or as tasks of a scheduler."""

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Step(Protocol):
    """How a run calls its steps."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``function`` and return what it returns; exceptions pass through."""


def plain(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` with nothing around it."""
    return function(*args, **kwargs)
