"""Reader interface: one file or table of a source as SQL can read it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.errors import ContractError
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import Connection, first_line

_MOST_COLUMNS = 5_000


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What one pass over a text file saw. ``readable`` is the file itself or its UTF-8 copy.

    ``header_row`` is the header's line in the file; a copy begins with it.
    """

    readable: Path
    header: tuple[str, ...]
    delimiters: int
    quotes: int
    header_row: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source, ready to read. ``name`` is what messages call it.

    ``columns`` maps its column names to DuckDB types, ``expressions`` to SQL over ``relation``.
    ``row`` is SQL for the row's number: in text files as a spreadsheet counts (the header is row 1,
    blank lines are not counted), elsewhere from 1.
    """

    name: str
    path: Path
    columns: Mapping[str, str]
    expressions: Mapping[str, str]
    relation: str
    row: str
    text: TextFacts | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file is declared to be, and a name for a copy of it that can be read.

    ``table`` names one of several tables, sheets or members; the rows above ``header_row`` are
    not read.
    """

    table: str
    dialect: Dialect
    scratch: Path
    header_row: int = 1


class Reader(ABC):
    """Opens the files of one kind of source, called ``name``, and proves that they are read whole.

    Unless it ``may_be_empty``, a table without rows is taken for an export that broke off.
    """

    name: str
    may_be_empty = True

    @abstractmethod
    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        """Open one file; raises ``ContractError`` when it is not what it is declared to be."""

    def verify(self, part: Part, names: Iterable[str]) -> None:  # noqa: B027  most have none
        """Compare the named columns with the checksums of their file, where it has any."""

    def prove(self, part: Part, dialect: Dialect, rows: int) -> None:  # noqa: B027  most need none
        """Check that the ``rows`` that were read are all that a file holds."""

    def broken(self, part: Part, dialect: Dialect, error: duckdb.Error) -> ContractError:
        """Explain why DuckDB could not read a file."""
        return unreadable(part.path, error, self.name)


def described(connection: Connection, relation: str) -> dict[str, str]:
    rows = connection.execute(f"describe from {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def unreadable(path: Path, error: Exception, name: str) -> ContractError:
    return ContractError(f"{path}: not a whole {name} file ({first_line(error)}); export it again")


def header_names(names: Sequence[str], where: str, titles: str = "") -> tuple[str, ...]:
    """A header's names; raises ``ContractError`` when there are none, or one is there twice.

    ``titles`` says what to do where titles stand above the header.
    """
    if len(names) > _MOST_COLUMNS:
        raise ContractError(f"{where}: {len(names):,} columns; at most {_MOST_COLUMNS:,} are read")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(
            f"{where}: column {twice[0]!r} is there twice; rename one"
            + (titles or ", or name the row of the names (header_row: …) if titles stand above it")
        )
    if not any(names):
        raise ContractError(f"{where}: no header; a row must name the columns{titles}")
    return tuple(names)
