"""Markdown tables and intervals of the benchmark pages."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]], rule: str = "---") -> list[str]:
    """The lines of a table.

    >>> table(["set", "AUC"], [["a", 0.5]])
    ['| set | AUC |', '|---|---|', '| a | 0.5 |']
    """
    return [_line(header), f"|{'|'.join([rule] * len(header))}|", *map(_line, rows)]


def interval(values: Iterable[float], spec: str) -> str:
    """Value, low and high, each formatted by ``spec``.

    >>> interval([0.1, -0.25, 0.5], "+.2f")
    '+0.10 (-0.25 to +0.50)'
    """
    value, low, high = (format(each, spec) for each in values)
    return f"{value} ({low} to {high})"


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
