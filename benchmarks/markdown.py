"""Markdown pages of the benchmarks, from ``benchmarks/templates``."""

from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from models.metrics.bootstrap import Interval


def page(name: str, **values: object) -> str:
    """The template ``name`` with its values; one that it misses is an error.

    ``x | form(spec)`` is ``format(x, spec)``, ``x | interval(spec, times)`` the three numbers of
    an interval, each times a number; ``table`` of ``table.md`` makes the tables.
    """
    return _templates().get_template(name).render(**values)


def table(header: str, rows: Iterable[Sequence[object]]) -> str:
    """A table of cells as they are.

    >>> print(table("set | AUC", [["a", 0.5]]))
    | set | AUC |
    |---|---|
    | a | 0.5 |
    """
    return page("cells.md", header=header, rows=rows).rstrip("\n")


def interval(found: Interval | Sequence[float], spec: str, times: float = 1) -> str:
    """Value, low and high, each formatted by ``spec``.

    >>> interval([0.1, -0.25, 0.5], "+.2f")
    '+0.10 (-0.25 to +0.50)'
    """
    if isinstance(found, Interval):
        found = found.value, found.low, found.high
    return format(Interval(*(times * value for value in found)), spec)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("benchmarks"),
        autoescape=False,  # noqa: S701 - Markdown, from measured numbers and names of this package
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"form": format, "interval": interval}
    return templates
