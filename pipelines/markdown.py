"""Markdown tables for pages that a scheduler shows; a cell may hold any text."""

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    r"""Lines of a table.

    >>> markdown_table(["part", "rows"], [["a|b", "3"]])
    ['| part | rows |', '| --- | --- |', '| a\\|b | 3 |']
    """
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines]
