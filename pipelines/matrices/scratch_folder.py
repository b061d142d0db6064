"""The folder of a run's matrix: only its owner uses it, and none outlives its owner for long."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def scratch(root: Path, run_id: str) -> Iterator[Path]:
    """Where a run's matrix goes, below ``root``; gone when the block ends, however it ends.

    Removes the folders of runs that were killed; another company's run, which may share
    the ``paths.var`` of its configuration, keeps its folder while it lives.
    """
    folder = root / run_id
    root.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    with FileLock(root.with_name(f"{root.name}.lock"), fallback_to_soft=False):
        _clear_orphans(root)
        lock.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _clear_orphans(root: Path) -> None:
    """Remove each folder and lock whose owner is dead: the system has freed its lock.

    Only one run at a time clears or takes its lock, which it does before it makes its folder.
    """
    for name in {path.name.removesuffix(".lock") for path in root.iterdir()}:
        lock = _lock(root / name)
        try:
            with lock:
                shutil.rmtree(root / name, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
        except Timeout:
            continue


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_name(f"{folder.name}.lock"), blocking=False, fallback_to_soft=False)
