"""File discovery below the data folder or in a bucket, and partitions in folder names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from features.errors import ConfigError, ContractError
from pipelines.config.sections import Paths
from pipelines.config.settings import Settings
from pipelines.config.sources import FORMATS, Kind, file_kind
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
