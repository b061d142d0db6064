"""Atomic, durable file writes: after they return, a power cut loses nothing that they wrote."""

import errno
import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from features.errors import PublicationError

_TEMPORARY = ".tmp-"
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


@contextmanager
def storage_errors(doing: str, only: Collection[int] = ()) -> Iterator[None]:
    """Turn an ``OSError`` of the block, with a number of ``only``, into a ``PublicationError``."""
    try:
        yield
    except OSError as error:
        if only and error.errno not in only:
            raise
        place = f" ({error.filename})" if error.filename else ""
        raise PublicationError(
            f"cannot {doing}: {error.strerror or error}{place}. The last good publication stands. "
            "Free space or repair the access to the folder, then run the same command again."
        ) from error


def digest(path: Path) -> str:
    """``sha256:<hex>`` of a file's bytes."""
    return f"sha256:{file_digest(path)}"


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Flush one file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(root: Path) -> None:
    """Flush every file below ``root``, then every folder, the root last."""
    for folder, _, names in os.walk(root, topdown=False):
        for name in sorted(names):
            sync(Path(folder, name))
        sync(Path(folder))


def replace_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write ``data`` to ``path``: a reader sees all of the old file or all of the new one.

    ``mode`` are the new file's permissions, less those that the process's mask takes away.
    """
    temporary = path.with_name(f"{_TEMPORARY}{path.name}")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "wb", opener=partial(os.open, mode=mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync(path.parent)


def replace_link(link: Path, target: Path) -> None:
    """Point ``link`` at ``target`` (relative to the link) in one step."""
    temporary = link.with_name(f"{_TEMPORARY}{link.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync(link.parent)


def write_file(path: Path, data: bytes) -> None:
    """As ``replace_bytes``, in a folder that is made; raises ``PublicationError``."""
    with storage_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, data)
