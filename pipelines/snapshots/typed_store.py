"""Typed store: the rows of each input file as the contract has them, kept from night to night.

A folder is named by all that decides its rows: the file's bytes, how they are read, and the code
that reads them. What else a row depends on (the night's date, who is a customer, other files) is
asked when the rows are seen. A folder is there whole or not at all, and is believed only while its
files have their digests; the rest is typed again.
"""

import hashlib
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import duckdb
from pydantic_core import to_json

from features import contract, timeline
from pipelines import config, sources
from pipelines.runtime import duckdb_connection
from pipelines.runtime.atomic_files import file_digest
from pipelines.snapshots import folder_lock
from pipelines.sources.files import Input, InputDigests
from pipelines.sources.readable_part import Part

UNUSED_SECONDS = 86_400
_FACTS = "typed"
_STAGING = ".staging"


@dataclass(frozen=True, slots=True)
class TypedFile:
    """An input file whose ``rows`` lie in Parquet ``paths``, in a folder ``_key=<key>``.

    ``name`` is what messages call it, ``columns`` maps those of the input to DuckDB types.
    """

    key: str
    name: str
    columns: Mapping[str, str]
    rows: int
    paths: tuple[Path, ...]


class TypedStore:
    """Typed rows of inputs with ``digests``; nobody removes them while this object lives."""

    def __init__(self, root: Path, digests: InputDigests) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root, self._digests, self._lock = root, digests, folder_lock.lock_folder(root)
        self._alike: Counter[str] = Counter()

    def typed(
        self, file: Input, deciding: object, write: Callable[[Path], tuple[Part, int]]
    ) -> TypedFile:
        """The rows of ``file``, typed by ``write`` (into a new folder) unless they are there.

        ``write`` returns how many there are; ``deciding`` is what they depend on besides the bytes
        of the file. Raises what ``write`` raises, and ``BusyError`` when the input has changed
        since its digest was found.
        """
        same = _sha256(to_json([_code(), deciding, self._digests.of(file)]))
        # Two files with the same bytes are two files: a key that is in both is repeated.
        key = _sha256(f"{same} {self._alike[same]}".encode())[:32]
        self._alike[same] += 1
        into = self._root / f"_key={key}"
        found = _read(into, key, file)
        if found is None:
            staging = folder_lock.new_name(self._root, _STAGING)
            try:
                part, rows = write(staging)
                # Rows of other bytes must never lie under the key of these.
                self._digests.refuse_changed([file])
                files = sorted(path for path in staging.rglob("*") if path.is_file())
                facts = {
                    "label": part.name.removeprefix(file.name),
                    "columns": part.columns,
                    "rows": rows,
                    "files": {p.relative_to(staging).as_posix(): file_digest(p) for p in files},
                }
                text = to_json(facts)
                (staging / _FACTS).write_bytes(_sha256(text).encode() + b"\n" + text)
                found = folder_lock.place(staging, into, partial(_read, into, key, file))
            finally:
                shutil.rmtree(staging, ignore_errors=True)
        os.utime(into)
        return found


def prune(root: Path) -> None:
    """Remove what no run has used for a day and what killed runs left, unless one reads now."""
    root.mkdir(parents=True, exist_ok=True)
    with folder_lock.exclusive(root) as free:
        for folder in root.iterdir() if free else ():
            if folder.name.startswith(".") or folder.stat().st_mtime < time.time() - UNUSED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _read(into: Path, key: str, file: Input) -> TypedFile | None:
    """What lies in a folder, if every file has its digest."""
    try:
        digest, _, text = (into / _FACTS).read_bytes().partition(b"\n")
        facts = json.loads(text)
        paths = tuple(into / name for name in facts["files"])
        found = [_sha256(text), *map(file_digest, paths)]
        if found != [digest.decode(), *facts["files"].values()]:
            return None
        return TypedFile(key, file.name + facts["label"], facts["columns"], facts["rows"], paths)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def _code() -> str:
    """SHA-256 of the code that types rows: after an upgrade all rows are typed again."""
    beside = (contract, timeline, config.sources, duckdb_connection)
    modules = [Path(module.__file__ or "") for module in beside]
    modules += [Path(__file__).with_name("typed_rows.py"), *Path(sources.__path__[0]).iterdir()]
    found = hashlib.sha256(duckdb.__version__.encode())
    for path in sorted(path for path in modules if path.is_file()):
        found.update(path.read_bytes())
    return found.hexdigest()
