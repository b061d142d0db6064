"""Progress bars, one per long step, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Show a step of ``total`` parts; call what it yields, with the part's name, after each.

    The time left is as the parts so far took it. Without a terminal, one line per step is written
    when it has ended.
    """
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left", style="dim"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[part]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total, part="")

        def advance(part: str) -> None:
            progress.update(task, advance=1, part=part)

        yield advance
        done = max(1, progress.tasks[0].completed)
        progress.update(task, part="", completed=done, total=done)
