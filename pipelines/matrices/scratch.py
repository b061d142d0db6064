"""The folder of a run's matrix: only its owner uses it, and none outlives its owner for long."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

MATRICES = "matrix"


@contextmanager
def scratch(var: Path, run_id: str) -> Iterator[Path]:
    """Where a run's matrix goes, under ``var``; gone when the block ends, however it ends.

    Removes the folders of runs that were killed; another company's run, which may share
    the ``paths.var`` of its configuration, keeps its folder while it lives.
    """
    folder = var / MATRICES / run_id
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_orphans(folder.parent)
    lock = _lock(folder)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)


def _clear_orphans(root: Path) -> None:
    """Remove each folder whose owner is dead: the system has freed its lock.

    A run takes its lock before it makes its folder.
    """
    for folder in root.iterdir():
        if folder.is_dir():
            lock = _lock(folder)
            try:
                with lock:
                    shutil.rmtree(folder, ignore_errors=True)
                    Path(lock.lock_file).unlink(missing_ok=True)
            except Timeout:
                continue


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"), blocking=False, fallback_to_soft=False)
