"""The folder of a run's matrix: only its owner uses it, and none outlives its owner for long."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.snapshots.folder_lock import fresh_folder, remove_if_free


@contextmanager
def scratch(root: Path, run_id: str) -> Iterator[Path]:
    """A run's empty folder below ``root``; gone when the block ends, however it ends.

    Removes the folders of runs that were killed, whose locks the system has freed; another
    company's run, which may share the ``paths.var`` of its configuration, keeps its folder while it
    lives. Raises ``FileExistsError`` when a living run has this name.
    """
    root.mkdir(parents=True, exist_ok=True)
    for left in root.iterdir():
        remove_if_free(left)
    folder, _lock = fresh_folder(root / run_id)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
