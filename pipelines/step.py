"""One step of a run: called directly here, wrapped as a task where Prefect carries the run."""

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
