"""Table matching: the contract's table for each file of a folder."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from features.contract import TABLES, Table
from features.errors import ConfigError, StilleError
from pipelines.config.sources import FORMATS
from pipelines.onboarding.flat import ChurnLabel, Flat
from pipelines.onboarding.matching import ASK_THRESHOLD, Match, match_columns
from pipelines.onboarding.sampling import FileSample, sample_file, tables_within
from pipelines.sources.personal_data import why_forbidden
from pipelines.sources.synonyms import likeness

_NAME_COUNTS, _FEWEST_BY_COLUMNS = 0.6, 3
_TEXTS = tuple(f"{name}{packed}" for name in (".csv", ".txt", ".tsv") for packed in ("", ".gz"))
_READ = (*_TEXTS, *(s for form in FORMATS.values() for s in form.suffixes if s not in _TEXTS))


@dataclass(frozen=True, slots=True)
class FileGroup:
    """Files that are one table's: a path or glob under the folder, and a look at the first."""

    path: str
    name: str
    sample: FileSample

    @property
    def title(self) -> str:
        return f"{self.path}, {self.sample.table}" if self.sample.table else self.path


@dataclass(frozen=True, slots=True)
class Draft:
    """One table: its files and its columns.

    ``untranslated`` are optional columns whose words are not known. A table that shows one day is
    ``flat``, or has that day's ``label``; ``joins`` are further files of the same customers, with
    the column of their key.
    """

    table: Table
    files: FileGroup
    matches: tuple[Match, ...]
    untranslated: tuple[Match, ...] = ()
    flat: Flat | None = None
    label: ChurnLabel | None = None
    joins: tuple[tuple[FileGroup, str], ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns that no file column resembles."""
        given = {match.column.name for match in self.matches}
        given |= {"as_of"} if self.label is not None else set()
        return tuple(c.name for c in self.table.columns if c.required and c.name not in given)

    @property
    def numbered(self) -> str | None:
        """The key column that can only be the row's number."""
        key = self.table.key[0] if len(self.table.key) == 1 else None
        return key if key in self.missing and key not in ("customer_id", "contract_id") else None

    @property
    def usable(self) -> bool:
        """Whether every required column is there, but for a key that can be numbered."""
        return set(self.missing) <= {self.numbered}

    @property
    def score(self) -> float:
        """How much this looks like the table, by the file's name and by the columns."""
        required = sum(column.required for column in self.table.columns)
        share = 1 - len(self.missing) / required
        named = likeness(self.files.name, self.table.name)
        return _NAME_COUNTS * named + (1 - _NAME_COUNTS) * share


def group_files(folder: Path) -> tuple[list[FileGroup], dict[str, str]]:
    """Look at every table of a folder's files, or of one file; also what is left out, and why.

    Files whose names differ in digits only and have the same columns are one table's. Raises
    ``ConfigError`` when there are none.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    skipped: dict[str, str] = {}
    paths = sorted(folder.iterdir()) if folder.is_dir() else [folder] if folder.is_file() else []
    for path in paths:
        if path.is_file() and path.name.endswith(_READ):
            groups[re.sub(r"\d+", "*", path.name)].append(path)
        elif path.is_dir() and (inner := sorted(path.rglob("*.parquet"))):
            groups[f"{path.name}/"] = inner[:1]
        else:
            skipped[path.name] = f"not one of {', '.join(_READ)}, or a folder of Parquet files"
    found: list[FileGroup] = []
    for pattern, paths in groups.items():
        try:
            found += _groups(pattern, paths)
        except StilleError as error:
            skipped[pattern] = str(error)
    if not found:
        why = "".join(f"\n  {name}: {reason}" for name, reason in skipped.items())
        raise ConfigError(f"{folder}: no table is here that can be read{why}")
    return found, skipped


def _groups(pattern: str, paths: list[Path]) -> Iterator[FileGroup]:
    samples = [(path, sample_file(path, t)) for path in paths for t in tables_within(path)]
    first = samples[0][1]
    if len(paths) > 1 and all(list(s.columns) == list(first.columns) for _, s in samples):
        yield FileGroup(pattern, pattern.partition(".")[0], first)
    elif pattern.endswith("/"):
        yield FileGroup(pattern, pattern.rstrip("/"), first)
    else:
        for path, sample in samples:
            yield FileGroup(path.name, sample.table or path.name.partition(".")[0], sample)


def draft(groups: Iterable[FileGroup]) -> list[Draft]:
    """The best table for each group of files, each table at most once, in the contract's order."""
    tables = [table for table in TABLES.values() if not table.derived]
    candidates = []
    for files in groups:
        for table in tables:
            matches = match_columns(table, files.sample)
            foreign = tuple(m for m in matches if m.unknown and not m.column.required)
            matches = tuple(m for m in matches if m not in foreign)
            each = Draft(table, files, matches, foreign)
            named = likeness(files.name, table.name) >= ASK_THRESHOLD
            if named or (not each.missing and len(matches) >= _FEWEST_BY_COLUMNS):
                candidates.append(each)
    taken: dict[str, Draft] = {}
    for each in sorted(candidates, key=lambda each: -each.score):
        if all(each.files is not other.files for other in taken.values()):
            taken.setdefault(each.table.name, each)
    return [taken[table.name] for table in tables if table.name in taken]


def unused(draft: Draft) -> list[str]:
    """Columns of the file that the draft does not use and that may be used."""
    if draft.label is not None:
        return []
    used = {match.source for match in (*draft.matches, *draft.untranslated)}
    flat = draft.flat
    if flat is not None:
        used |= {*flat.dropped, *(str(each["column"]) for each in flat.attributes.values())}
        used |= {flat.joined[0] if flat.joined else "", flat.label or ""}
    used |= {key for _, key in draft.joins}
    columns = draft.files.sample.columns
    return [name for name in columns if name not in used and why_forbidden(name) is None]
