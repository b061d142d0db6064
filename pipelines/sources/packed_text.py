"""Bytes of a text file that is plain, compressed (``.gz``) or a file in an archive (``.zip``)."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, AnyStr, cast

from features.errors import ContractError
from pipelines.config.file import nearest

_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)
# What a file that is no text begins with, and what it is.
_OTHER_KINDS = {
    b"PK\x03\x04": "a zip archive or a workbook: name it .zip or .xlsx",
    b"\x1f\x8b": "compressed with gzip: name it .csv.gz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: pack it as .csv.gz",
    b"BZh91AY&SY": "compressed with bzip2: pack it as .csv.gz",
    b"\xfd7zXZ": "compressed with xz: pack it as .csv.gz",
    b"7z\xbc\xaf": "a 7z archive: pack it as .zip",
    b"\xd0\xcf\x11\xe0": "an old workbook: save it as .xlsx",
    b"PAR1": "a Parquet file: format: parquet",
    b"SQLite format 3": "an SQLite file: format: sqlite",
}


PACKED = (".gz", ".zip")


@contextmanager
def unpacked(path: Path, member: str = "") -> Iterator[IO[bytes]]:
    """The bytes of a text file; of a zip archive those of ``member``, or of its only file.

    Raises ``ContractError`` for a file that is damaged, encrypted or no text, and where it is not
    said which file of an archive is meant.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                yield cast(IO[bytes], file)
        elif path.suffix == ".zip":
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(_member(path, archive, member)) as f,
            ):
                yield f
        else:
            with path.open("rb") as file:
                start = file.read(16)
                file.seek(0)
                for magic, what in _OTHER_KINDS.items():
                    if start.startswith(magic):
                        raise ContractError(f"{path}: not text but {what}")
                yield file
    except _BROKEN as error:
        raise ContractError(f"{path}: damaged or cut off ({error}); export it again") from error
    except (RuntimeError, NotImplementedError) as error:  # as zipfile raises them
        raise ContractError(f"{path}: encrypted, or packed in an unknown way") from error


def run_on(text: AnyStr, mark: AnyStr, before: int) -> tuple[int, int]:
    """How long the run without ``mark`` is that goes on from ``before``, and the one at the end.

    >>> run_on("ab|cd|efg", "|", 10), run_on("abc", "|", 10)
    ((12, 3), (13, 13))
    """
    first, last = text.find(mark), text.rfind(mark)
    if first < 0:
        return before + len(text), before + len(text)
    return before + first, len(text) - last - len(mark)


def members(archive: zipfile.ZipFile) -> list[str]:
    """The files of an archive, without folders and what macOS adds.

    >>> import io
    >>> with zipfile.ZipFile(io.BytesIO(), "w") as archive:
    ...     archive.writestr("__MACOSX/._a.csv", "")
    ...     archive.writestr("a.csv", "id")
    ...     members(archive)
    ['a.csv']
    """
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    return [name for name in names if not name.startswith("__MACOSX/")]


def _member(path: Path, archive: zipfile.ZipFile, member: str) -> str:
    names = members(archive)
    if member in names or (not member and len(names) == 1):
        return member or names[0]
    asked = f"no file {member!r}{nearest(member, names)}" if member else "which of its files?"
    raise ContractError(f"{path}: {asked} Name it (table: …); it has: {', '.join(names) or 'none'}")
