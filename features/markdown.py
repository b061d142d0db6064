"""Tables in GitHub-flavoured Markdown, for the documentation pages and the summaries of runs.

One home, so that a bar within a cell is escaped in each of them.
"""

from collections.abc import Iterable, Iterator, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""The lines of a table, without line breaks.

    >>> list(markdown_table(["name", "unit"], [["wait", "s"], ["a|b", ""]]))
    ['| name | unit |', '|---|---|', '| wait | s |', '| a\\|b |  |']
    """
    yield _line(header)
    yield "|---" * len(header) + "|"
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
