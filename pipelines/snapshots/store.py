"""Snapshot store: folders named by digest, never changed once they are complete.

A folder's time of change says when it was last let through: the next tables are compared with the
newest. The newest ``NEWEST`` stay, and that of the published lists, which explains them; the others
and what killed runs left go as soon as nobody has a lock on them.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from features.errors import ContractError
from pipelines.snapshots import folder_lock
from pipelines.snapshots.facts import Snapshot, inputs_digest, read_snapshot, verify_snapshot
from pipelines.snapshots.folder_lock import FolderLock

NEWEST = 2
_STAGING = ".staging"
_REFUSED = "refused"


def refused_folder(store: Path) -> Path:
    """Where the quarantine of a refused snapshot is kept for a person to see."""
    return store / _REFUSED


def fresh_staging(store: Path) -> tuple[Path, FolderLock]:
    """An empty folder to fill, held until the second value is let go."""
    store.mkdir(parents=True, exist_ok=True)
    return folder_lock.fresh_folder(folder_lock.new_name(store, _STAGING))


def newest_first(store: Path) -> list[Path]:
    """The folders of complete snapshots, the one let through last at the head."""
    return sorted(_complete(store), key=_age, reverse=True)


def readable_snapshots(store: Path) -> Iterator[Snapshot]:
    """The snapshots of this format, the one let through last at the head; each read when asked."""
    for folder in newest_first(store):
        with contextlib.suppress(ContractError):
            yield read_snapshot(folder)


def previous_snapshot(store: Path) -> Snapshot | None:
    """The snapshot that was let through last, or None when there is none of this format."""
    return next(readable_snapshots(store), None)


def read_reusable(folder: Path, digest: str) -> Snapshot | None:
    """The undamaged snapshot of these inputs in ``folder``, or None."""
    try:
        found = read_snapshot(folder)
        verify_snapshot(found)
    except ContractError:
        return None
    return found if found.digest == digest else None


def keep_quarantine(staging: Path, store: Path) -> None:
    """Move the quarantine of a refused snapshot to ``refused_folder``."""
    quarantine = staging / "quarantine"
    if quarantine.is_dir():
        forget_refused(store)
        quarantine.replace(refused_folder(store))


def forget_refused(store: Path) -> None:
    """Remove a quarantine that a person needs no longer look at."""
    shutil.rmtree(refused_folder(store), ignore_errors=True)


def mark_newest(folder: Path) -> None:
    """Make this snapshot the one that the next is compared with, whatever the clock says."""
    others = (_age(path)[0] for path in _complete(folder.parent) if path != folder)
    moment = max(time.time_ns(), max(others, default=0) + 1)
    os.utime(folder, ns=(moment, moment))


def prune(store: Path, published: str = "") -> None:
    """Remove older snapshots and what killed runs left, except what somebody holds.

    The newest of the inputs whose digest is ``published`` stays, whatever its age.
    """
    left = [path for path in store.iterdir() if path.suffix in (_STAGING, folder_lock.REMOVED)]
    folders = newest_first(store)
    kept = next((path for path in folders if _has_inputs(path, published)), None)
    for folder in (*folders[NEWEST:], *left):
        if folder != kept:
            folder_lock.remove_if_free(folder)


def _has_inputs(folder: Path, digest: str) -> bool:
    with contextlib.suppress(ContractError):
        return inputs_digest(read_snapshot(folder)) == digest
    return False


def _complete(store: Path) -> Iterator[Path]:
    if store.is_dir():
        names = (path for path in store.iterdir() if not path.name.startswith("."))
        yield from (path for path in names if path.name != _REFUSED and path.is_dir())


def _age(folder: Path) -> tuple[int, str]:
    try:
        return folder.stat().st_mtime_ns, folder.name
    except FileNotFoundError:
        return 0, folder.name
