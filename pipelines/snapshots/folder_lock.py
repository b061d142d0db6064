"""Shared locks on folders (flock): a folder in use is not removed.

The lock is the operating system's and on the folder itself: it follows a rename and is gone with
the process that has it.
"""

import fcntl
import os
import secrets
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

REMOVED = ".removed"
Content = TypeVar("Content")


class FolderLock:
    """A folder kept from being removed for as long as this object lives."""

    def __init__(self, descriptor: int) -> None:
        weakref.finalize(self, os.close, descriptor)


def lock_folder(folder: Path) -> FolderLock | None:
    """Lock ``folder``; None when there is none, or when it is removed at this moment."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    lock = FolderLock(descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return lock if _is_at(descriptor, folder) else None


def fresh_folder(folder: Path) -> tuple[Path, FolderLock]:
    """Make ``folder``, which nobody removes until the second value is let go."""
    while True:
        folder.mkdir()
        if (lock := lock_folder(folder)) is not None:
            return folder, lock


def new_name(parent: Path, suffix: str) -> Path:
    """A hidden name under ``parent`` that nothing has yet."""
    return parent / f".{secrets.token_hex(8)}{suffix}"


def place(staging: Path, into: Path, read: Callable[[], Content | None]) -> Content:
    """Give a filled folder its name, unless another run was quicker; what ``read`` finds there.

    A folder of which ``read`` says None is damaged.
    """
    while True:
        try:
            staging.replace(into)
        except OSError:
            if not into.is_dir():
                raise
        if (found := read()) is not None:
            return found
        # A damaged one is put away; readers that hold it find the same files under its new name.
        with suppress(FileNotFoundError):
            into.replace(new_name(into.parent, REMOVED))


@contextmanager
def exclusive(folder: Path) -> Iterator[bool]:
    """Keep everybody from holding ``folder`` in the block.

    False when somebody holds it, or when it has been moved from there, as by whoever removes it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = _is_at(descriptor, folder)
        except BlockingIOError:
            free = False
        yield free
    finally:
        os.close(descriptor)


def remove_if_free(folder: Path) -> bool:
    """Remove ``folder`` and all in it; False when it cannot be locked, or a part of it stays."""
    try:
        with exclusive(folder) as free:
            if free:
                remove(folder)
            return free
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Remove ``folder`` under another name, so that nobody meets half of it; raises ``OSError``."""
    shutil.rmtree(folder.replace(new_name(folder.parent, REMOVED)))


def _is_at(descriptor: int, folder: Path) -> bool:
    try:
        there = folder.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
