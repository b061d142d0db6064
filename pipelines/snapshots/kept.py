"""Finding a snapshot that was taken before, and giving a new one its place."""

from pathlib import Path

from features.errors import ContractError
from pipelines.snapshots.facts import Snapshot, read_snapshot, verify_snapshot
from pipelines.snapshots.store import newest_first, put_away

_UNREADABLE = (ContractError, KeyError, TypeError)


def previous(store: Path) -> Snapshot | None:
    """The snapshot that was let through last, or None when there is none of this format."""
    for folder in newest_first(store):
        try:
            return read_snapshot(folder)
        except _UNREADABLE:
            continue
    return None


def reusable(folder: Path, digest: str) -> Snapshot | None:
    """The undamaged snapshot of these inputs in ``folder``, or None."""
    try:
        found = read_snapshot(folder)
        verify_snapshot(found)
    except _UNREADABLE:
        return None
    return found if found.digest == digest else None


def placed(staging: Path, into: Path, digest: str) -> Snapshot:
    """Give a filled folder its name, unless another run was quicker with the same inputs."""
    while True:
        try:
            staging.replace(into)
        except OSError:
            if not into.is_dir():
                raise
        else:
            return read_snapshot(into)
        found = reusable(into, digest)
        if found is not None:
            return found
        put_away(into)
