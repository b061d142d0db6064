"""Progress bars, one per long step, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress
from rich.console import Console

from pipelines.runtime.logs import as_json_lines


@contextmanager
def bar(title: str, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Show a step of ``total`` parts; call what it yields, with the part's name, after each.

    The time left is as the parts so far took it. Without a terminal, one line per step is written
    when it has ended.
    """
    columns = (*progress.Progress.get_default_columns(), progress.TextColumn("{task.fields[part]}"))
    console = Console(stderr=True, force_jupyter=False, quiet=as_json_lines())
    with progress.Progress(*columns, console=console) as board:
        task = board.add_task(title, total=total, part="")
        yield lambda part: board.update(task, advance=1, part=part)
        done = max(1, board.tasks[0].completed)
        board.update(task, part="", completed=done, total=done)
