"""Excel reader: one sheet copied row by row to plain text, a column typed by its cells."""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from features.errors import ContractError
from pipelines.config.file import nearest
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import Connection, literal
from pipelines.sources.packed_text import run_on
from pipelines.sources.readable_part import Declared, Part, Reader, header_names, unreadable

# Each cell is written behind the sign of its kind; the type of a column whose cells are all of it.
_TYPES = {"b": "BOOLEAN", "i": "BIGINT", "n": "DOUBLE", "d": "DATE", "m": "TIMESTAMP"}
_WIDER = {frozenset("in"): "n", frozenset("dm"): "m"}
_DIGITS_EXACT = 10**15  # Excel keeps 15
_LAST_ROW = 1 << 20
_MOST_HELD, _LONGEST_TEXT, _MOST_TAGS = 100_000_000, 1_000_000, 500_000
Row = Sequence[Any]


class ExcelReader(Reader):
    """Sheets of workbooks: formulas by the value that was saved, dates as Excel shows them."""

    name = "Excel"
    may_be_empty = False

    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        """Raises ``ContractError`` for a damaged workbook, an unknown sheet, a poor header."""
        with sheet(path, declared.table) as (title, rows):
            try:
                header, kinds = _copy(path, rows, declared)
            except (zipfile.BadZipFile, SyntaxError, ValueError, KeyError) as error:
                raise unreadable(path, error, self.name) from error
        names = ["row", *(f"c{i}" for i in range(len(header)))]
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        types = {n: _TYPES.get(kind, "VARCHAR") for n, kind in zip(header, kinds, strict=True)}
        return Part(
            name=f"{path}, sheet {title}",
            path=path,
            columns=types,
            expressions={
                name: _as_written(cell, declared.dialect)
                if stored == "VARCHAR"
                else f"cast(substr({cell}, 2) as {stored})"
                for (name, stored), cell in zip(types.items(), names[1:], strict=True)
            },
            relation=f"read_csv({literal(declared.scratch)}, auto_detect=false, header=false, "
            f"columns={{{columns}}}, delim=',', quote='\"', escape='\"', parallel=false)",
            row="cast(row as BIGINT)",
        )


@contextmanager
def sheet(path: Path, title: str = "") -> Iterator[tuple[str, Iterator[Row]]]:
    """The title and the rows of a sheet: the one named, or the only one that is not hidden."""
    try:
        _refuse_bombs(path)
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, OSError, KeyError, ValueError) as error:
        raise unreadable(path, error, "Excel") from error
    with closing(book):
        titles = [each.title for each in book.worksheets if each.sheet_state == "visible"]
        if title not in book.sheetnames and (title or len(titles) != 1):
            asked = f"no sheet {title!r}{nearest(title, titles)}" if title else "which sheet?"
            raise ContractError(f"{path}: {asked} Name it (table: …); it has: {', '.join(titles)}")
        found = book[title or titles[0]]
        # Some programs write a wrong size, and rows beyond it would be lost.
        found.reset_dimensions()
        with closing(found.iter_rows(values_only=True)) as rows:
            yield found.title, rows


def sheets(path: Path) -> list[str]:
    """The titles of the sheets that are not hidden; raises ``ContractError`` for a hostile book."""
    _refuse_bombs(path)
    with closing(load_workbook(path, read_only=True)) as book:
        return [each.title for each in book.worksheets if each.sheet_state == "visible"]


def _refuse_bombs(path: Path) -> None:
    """Raise ``ContractError`` for a book of which openpyxl would hold more than a book needs."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            is_sheet = part.filename.startswith("xl/worksheets/")
            if not part.filename.endswith((".xml", ".rels")):
                continue
            with archive.open(part) as file:
                if _is_bomb(file, b"<row" if is_sheet else b"<si") or (
                    part.file_size > _MOST_HELD and not is_sheet
                ):
                    raise ContractError(
                        f"{path}, {part.filename}: larger than Excel writes it (a cell of over "
                        f"{_LONGEST_TEXT:,} bytes, a row of over {_MOST_TAGS:,} elements, or over "
                        f"{_MOST_HELD:,} bytes beside the sheets); save it as .csv"
                    )


def _is_bomb(file: IO[bytes], mark: bytes) -> bool:
    """Whether a text is too long, or too many elements stand between two of ``mark``."""
    text = tags = 0
    while chunk := file.read(1 << 20):
        longest, text = run_on(chunk, b"<", text)
        first, last = chunk.find(mark), chunk.rfind(mark)
        tags += chunk.count(b"<", 0, first if first >= 0 else None)
        if longest > _LONGEST_TEXT or tags > _MOST_TAGS:
            return True
        tags = chunk.count(b"<", last) if last >= 0 else tags
    return False


def _copy(path: Path, rows: Iterator[Row], declared: Declared) -> tuple[tuple[str, ...], list[str]]:
    """Write the rows below the header to ``declared.scratch``; header and kinds of columns."""
    numbered = enumerate(rows, start=1)
    top = next((row for number, row in numbered if number == declared.header_row), ())
    cells = [*top]
    while cells and cells[-1] is None:
        cells.pop()
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    header = header_names(names, f"{path}, row {declared.header_row}")
    seen: list[set[str]] = [set() for _ in header]
    with declared.scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, row in numbered:
            if number > _LAST_ROW:
                raise ContractError(f"{path}: rows beyond {_LAST_ROW:,}, the last that Excel has")
            if any(cell is not None for cell in row[len(header) :]):
                raise ContractError(
                    f"{path}, row {number}: a cell to the right of the header, which is in row "
                    f"{declared.header_row} (header_row: …)"
                )
            told = [_cell(cell, declared.dialect) for cell in row[: len(header)]]
            if any(told):
                told += [""] * (len(header) - len(told))
                writer.writerow([number, *told])
                for kinds, cell in zip(seen, told, strict=True):
                    kinds.update(cell[:1])
    return header, [k.pop() if len(k) == 1 else _WIDER.get(frozenset(k), "") for k in seen]


def _cell(cell: Any, dialect: Dialect) -> str:
    """A cell in plain text behind the sign of its kind; empty for a null."""
    if cell is None or cell in dialect.nulls:
        return ""
    if isinstance(cell, bool):
        return f"b{cell}"
    if isinstance(cell, timedelta):
        cell = cell.total_seconds()
    if isinstance(cell, int | float):
        whole = float(cell).is_integer() and abs(cell) < _DIGITS_EXACT
        return f"i{int(cell)}" if whole else f"n{Decimal(repr(cell)):f}"
    if isinstance(cell, datetime) and cell.time() != time():
        return f"m{cell.isoformat(' ')}"
    return f"d{cell:%Y-%m-%d}" if isinstance(cell, date) else f"t{cell}"


def _as_written(cell: str, dialect: Dialect) -> str:
    """SQL for a cell among cells of other kinds: as a text file of this dialect would have it."""
    plain, decimal = f"substr({cell}, 2)", literal(dialect.decimal)
    moments = {"d": ("DATE", dialect.date), "m": ("TIMESTAMP", dialect.instant)}
    cases = " ".join(
        f"when '{sign}' then strftime(cast({plain} as {kind}), {literal(form)})"
        for sign, (kind, form) in moments.items()
    )
    return (
        f"case left(coalesce({cell}, ''), 1) {cases} "
        f"when 'n' then replace({plain}, '.', {decimal}) else coalesce({plain}, '') end"
    )
