"""Input files: found below the data folder or in a bucket, and their digests.

A file that nobody has written to since keeps the digest it had. What tells is its size, its number
on its disk and its times, of which no program can set that of the last change (``ctime``) back. As
git does, a file is hashed again when that time is so near to the hashing that another change within
the same tick could not be told.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain, takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from pydantic import TypeAdapter
from pydantic_core import to_json

from features.errors import BusyError, ConfigError, ContractError
from pipelines.config.sections import Paths
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, Kind, file_kind
from pipelines.runtime.atomic_files import file_digest, replace_bytes
from pipelines.runtime.mirrors import bucket_of, is_url, mirror_folder, name_of

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
DIGEST_ENDING = ".sha256"
_BESIDE = re.compile(r"(\.wal|-wal|\.sha256)$")


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read. ``name`` is what messages and records call it.

    ``partition`` holds the columns that its folders name (``year=2026``). An extract of a database
    has the ``digest`` of its content, and in ``types`` every column of the table with its type.
    What was ``reported`` by people is written as ``config.sources.REPORTED`` says, whatever the
    table's source is.
    """

    path: Path
    name: str
    partition: Mapping[str, str | None] = field(default_factory=dict)
    digest: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    joins: tuple["Input", ...] = ()
    reported: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is read for it, with the logs of tables; none for an extract."""
        if self.digest is not None:
            return ()
        # A file of tables has a log of what was written since its last checkpoint.
        logs = (self.path.with_name(f"{self.path.name}{ending}") for ending in (".wal", "-wal"))
        joined = (path for join in self.joins for path in join.files)
        return (self.path, *(log for log in logs if log.is_file()), *joined)


def require_folder(settings: Settings) -> None:
    """Raise ``ContractError`` where a table is to be in a data folder that is not there."""
    root, paths = settings.paths.data, [source.path for source in settings.sources.values()]
    inside = any(path is not None and not is_url(path) for path in paths)
    if inside and not bucket_of(root) and not os.access(root, os.R_OK | os.X_OK):
        raise ContractError(
            f"{root} (paths.data) is not there, or may not be read, so no table was looked for. "
            "Put the export there, let the user of this run read it, or correct paths.data. Then: "
            "stille check."
        )


def find_files(settings: Settings, table: str) -> tuple[Input, ...]:
    """Files of a table, sorted by path; a folder stands for all files of its format below it.

    Raises ``ContractError`` when there are none, ``ConfigError`` for one outside the data folder.
    """
    source, paths = settings.sources[table], settings.paths
    if source.path is None:
        return ()
    joins = tuple(
        each
        for join in source.joins
        for each in _find(paths, table, join.path, file_kind(join.path, join.format))
    )
    if len(joins) != len(source.joins):
        raise ContractError(f"sources.{table}.joins: each path names one file, without *")
    found = _find(paths, table, source.path, source.kind)
    return tuple(replace(each, joins=joins) for each in found)


def reported_files(settings: Settings, table: str) -> tuple[Input, ...]:
    """What people have reported of a table, kept beside its source."""
    path = settings.paths.reported_treatments
    if table != "treatments" or not path.is_file():
        return ()
    return (Input(path, str(path), reported=True),)


def local_files(paths: Paths, pattern: str) -> tuple[Path, str]:
    """The folder of a source's files and the pattern below it; a mirror is brought up to date.

    Raises ``PublicationError`` when storage refuses.
    """
    root = paths.data
    if is_url(pattern):
        *address, pattern = (*pattern.split("/", 3), "")[:4]
        root = mirror_folder("/".join(address), paths.mirrors)
    if bucket := bucket_of(root):
        parts = PurePosixPath(pattern).parts
        fixed = takewhile(lambda part: not set("*?[") & set(part), parts[:-1])
        pull, before = partial(bucket.pull, "/".join(fixed), partial(_matches, parts)), None
        # Until nothing changes, as an export may be being written at this moment.
        while before != (before := pull()):
            pass
    return root, pattern


def _matches(globs: tuple[str, ...], key: str) -> bool:
    """Whether the object, or a folder that it is in, is meant; or a log or a digest beside it."""
    names = _BESIDE.sub("", key).split("/")
    return "**" in globs or (len(names) >= len(globs) and all(map(fnmatchcase, names, globs)))


def _find(paths: Paths, table: str, pattern: str, kind: Kind) -> tuple[Input, ...]:
    endings = FORMATS[kind].suffixes
    root, pattern = local_files(paths, pattern)
    files = tuple(sorted(set(_below(root, pattern, endings))))
    if not files:
        raise ContractError(
            f"{table}: no file matches {name_of(root / pattern)} (sources.{table}.path under "
            "paths.data); is the export there, is paths.data right, and are a folder's files "
            f"{' or '.join(endings)}?"
        )
    for path in files:
        if not path.resolve().is_relative_to(root.resolve()):
            raise ConfigError(f"sources.{table}.path: {path} leads outside {root}")
    return tuple(Input(path, name_of(path), _partition(path, root)) for path in files)


def _below(root: Path, pattern: str, endings: tuple[str, ...]) -> Iterator[Path]:
    for path in root.glob(pattern):
        if path.is_file() and path.suffix != DIGEST_ENDING:
            yield path
        elif path.is_dir():
            # Writers of whole folders leave _SUCCESS, .crc and half-written files beside the data.
            yield from (
                file
                for file in path.rglob("*")
                if file.name.endswith(endings)
                and file.is_file()
                and not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
            )


def _partition(path: Path, root: Path) -> dict[str, str | None]:
    named = [part.partition("=") for part in path.relative_to(root).parts[:-1] if "=" in part]
    return {unquote(k): None if v == _NO_VALUE else unquote(v) for k, _, v in named}


_TICK = 2_000_000_000  # nanoseconds: the coarsest file system
_State = tuple[int, int, int, int, int]
_LEDGER = TypeAdapter(dict[str, tuple[_State, str]])


class InputDigests:
    """SHA-256 (hex) of everything in ``inputs``, by name, in ``found``.

    ``ledger`` is the file that remembers those of earlier runs. Raises ``ContractError`` where
    ``<file>.sha256`` beside a file tells another digest.
    """

    def __init__(self, ledger: Path, inputs: Mapping[str, tuple[Input, ...]]) -> None:
        self._known: dict[str, tuple[_State, str]] = {}
        # What cannot be read is hashed again.
        with contextlib.suppress(OSError, ValueError):
            self._known = _LEDGER.validate_json(ledger.read_bytes())
        before, found = dict(self._known), {}
        for each in chain(*inputs.values()):
            if each.digest is not None:
                found[each.name] = each.digest
            for path in each.files:
                if (name := name_of(path)) not in found:
                    found[name] = self._readable(path)
        self.found: Mapping[str, str] = dict(sorted(found.items()))
        if self._known != before:
            isfile = os.path.isfile  # that of a Path raises where a folder may not be entered
            there = {name: known for name, known in self._known.items() if isfile(name)}
            # A ledger saves time and nothing else: without it the next run hashes again.
            with contextlib.suppress(OSError):
                ledger.parent.mkdir(parents=True, exist_ok=True)
                replace_bytes(ledger, to_json(there))

    def of(self, file: Input) -> list[str]:
        """The digests of one input, with those of its log and of files joined to it."""
        names = [name_of(path) for path in file.files] or [file.name]
        return [self.found.get(name, "") for name in names]

    def refuse_changed(self, inputs: Iterable[Input]) -> None:
        """Raise ``BusyError`` for a file that is no longer what was found."""
        for name, path in sorted({(name_of(p), p) for each in inputs for p in each.files}):
            if not path.is_file() or self._digest(path) != self.found.get(name):
                raise BusyError(f"{name}: changed while it was read; run again when it is complete")

    def _readable(self, path: Path) -> str:
        try:
            digest = self._digest(path)
            _refuse_damaged(path, digest)
            return digest
        except PermissionError as error:
            raise ContractError(
                f"{name_of(Path(error.filename or path))}: cannot be read ({error.strerror}). Let "
                "the user of this run read it, then: stille doctor."
            ) from error

    def _digest(self, path: Path) -> str:
        name, now, stat = str(path.absolute()), time.time_ns(), path.stat()
        state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if name in self._known and self._known[name][0] == state:
            return self._known[name][1]
        digest = file_digest(path)
        if stat.st_ctime_ns < now - _TICK:
            self._known[name] = state, digest
        return digest


def _refuse_damaged(path: Path, digest: str) -> None:
    beside = path.with_name(f"{path.name}{DIGEST_ENDING}")
    if beside.is_file():
        words = beside.read_text(encoding="utf-8", errors="replace").split()
        if not words or words[0].lower() != digest:
            raise ContractError(
                f"{name_of(path)}: its SHA-256 is not the one in {beside.name}; the file was "
                "damaged or is not complete. Copy or export it again."
            )
