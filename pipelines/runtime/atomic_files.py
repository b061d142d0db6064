"""Atomic, durable file writes: after they return, a power cut loses nothing that they wrote."""

import errno
import hashlib
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from features.errors import PublicationError

_TEMPORARY = ".tmp-"
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
SHARED = 0o2750


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


def replace_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: a reader sees all of the old file or all of the new one.

    It is for the owner alone, in a folder that ``is_shared`` for its group too.
    """
    with _beside(path, path.name) as temporary:
        _write(temporary, data, 0o640 if is_shared(path.parent) else 0o600)
        temporary.replace(path)


def is_shared(folder: Path) -> bool:
    """Whether what is made in ``folder`` is for its group to read (mode ``SHARED``)."""
    return folder.stat().st_mode & 0o2040 == 0o2040


def keep_first(path: Path, data: bytes) -> bytes:
    """What ``path`` holds: ``data``, for its owner alone, where nobody wrote it before.

    Of several writers at once one wins, and all get what it wrote.
    """
    if not path.exists():
        with _beside(path, secrets.token_hex(8)) as temporary, suppress(FileExistsError):
            _write(temporary, data, 0o600)
            os.link(temporary, path)
    return path.read_bytes()


@contextmanager
def _beside(path: Path, name: str) -> Iterator[Path]:
    """A free name in the folder of ``path``, gone when the block ends; then that is flushed."""
    temporary = path.with_name(f"{_TEMPORARY}{name}")
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync(path.parent)


def _write(path: Path, data: bytes, mode: int) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_link(link: Path, target: Path) -> None:
    """Point ``link`` at ``target`` (relative to the link) in one step."""
    with _beside(link, link.name) as temporary:
        temporary.symlink_to(target)
        temporary.replace(link)


def write_file(path: Path, data: bytes) -> None:
    """As ``replace_bytes``, in a folder that is made; raises ``PublicationError``."""
    with storage_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, data)
