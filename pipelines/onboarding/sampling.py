"""File sampling: kind, text dialect, header, and what the columns of a table may be.

A file is opened by the reader that a run will use.
"""

import codecs
import csv
import re
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import islice, product
from pathlib import Path

import duckdb

from features.errors import ContractError
from pipelines.config.sources import Dialect, FileKind, file_kind
from pipelines.sources.database_files import opened, tables
from pipelines.sources.excel_reader import sheet, sheets
from pipelines.sources.forms import as_text
from pipelines.sources.packed_text import members, unpacked
from pipelines.sources.readable_part import Declared
from pipelines.sources.readers import READERS

FEW = 30
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d", "%d.%m.%y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%S%z", " %H:%M:%S.%f", "T%H:%M:%S.%f")
_TRUTHS = (
    *(("True.", "False."), (" True.", " False."), ("1.0", "0.0")),
    *(("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"), ("t", "f")),
    *(("ja", "nei"), ("Ja", "Nei"), ("J", "N"), ("ja", "nej"), ("Ja", "Nej")),
    *(("yes", "no"), ("Yes", "No"), ("Y", "N")),
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}([ .,'\u00a0\u202f])\d{3}(?:\1\d{3})*|\d+)([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """One column: what it may hold, and how. ``form`` is a date's or an instant's.

    ``counts`` are its distinct values, most frequent first, when there are few; ``distinct`` is how
    many there are, ``non_null`` how many rows have one. ``doubtful`` when several forms fit.
    """

    kinds: frozenset[str]
    form: str = ""
    decimal: str = ""
    thousands: str = ""
    fraction: bool = False
    truth: tuple[str, str] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    doubtful: bool = False
    distinct: int = 0
    non_null: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(sorted(self.counts))


def sample_column(values: Sequence[str]) -> ColumnSample:
    """What a column of text may hold, by all the values given."""
    if not values:
        return ColumnSample(frozenset({"text"}))
    counted = Counter(values)
    found = _of_words(counted)
    few = dict(counted.most_common()) if len(counted) <= FEW else {}
    return replace(found, counts=few, distinct=len(counted), non_null=len(values))


def _of_words(counted: Counter[str]) -> ColumnSample:
    truth = next((pair for pair in _TRUTHS if set(counted) <= set(pair)), None)
    kinds = {"text"} | ({"boolean"} if truth else set())
    every = (f"{day}{clock}" for day, clock in product(_DATES, _CLOCKS))
    forms = [form for form in every if all(_reads(value, form) for value in counted)]
    if forms:
        moment = "instant" if "%H" in forms[0] else "date"
        doubtful = {"%d/%m/%Y", "%m/%d/%Y"} <= {form[:8] for form in forms}
        return ColumnSample(frozenset(kinds | {moment}), forms[0], doubtful=doubtful)
    signs = _signs(counted)
    if signs is None:
        return ColumnSample(frozenset(kinds), truth=truth)
    decimal, thousands, fraction = signs
    kinds |= {"number"} if fraction else {"number", "integer"}
    doubtful = thousands in (".", ",") and not fraction
    return ColumnSample(frozenset(kinds), "", decimal, thousands, fraction, truth, {}, doubtful)


def _reads(value: str, form: str) -> bool:
    try:
        read = time.strptime(value, form)
    except ValueError:
        return False
    # Eight digits may be a key; a day of business lies in these years.
    return "%Y%m%d" not in form or (len(value) >= 8 and 1990 <= read.tm_year <= 2060)


def _signs(counted: Counter[str]) -> tuple[str, str, bool] | None:
    """Decimal and thousands sign and whether there are fractions; None when not all numbers."""
    matches = [_NUMBER.fullmatch(value) for value in counted]
    if not all(matches):
        return None
    groups = {m.group(1) for m in matches if m is not None and m.group(1)}
    decimals = {m.group(2)[0] for m in matches if m is not None and m.group(2)}
    # In 12.5 the point is a decimal sign, so it is one in 1.234 of the same column too.
    groups -= decimals
    if len(groups) > 1 or len(decimals) > 1:
        return None
    thousands = next(iter(groups), "")
    decimal = next(iter(decimals), "," if thousands in (".", "\u00a0", "\u202f") else ".")
    return decimal, " " if thousands in ("\u00a0", "\u202f") else thousands, bool(decimals)


ROWS = 20_000
_TOP_BYTES, _TOP_ROWS = 1 << 18, 200
_CHUNK = 1 << 20
_NULLS = ("NULL", "null", "NA", "N/A", "n/a", "\\N", "None", "-", " ", "NaN", "nan", "?")
_FRACTIONS = frozenset({"number", "integer"})
_TYPES = {
    "DATE": frozenset({"date"}),
    "BOOLEAN": frozenset({"boolean"}),
    "TIMESTAMP.*": frozenset({"instant"}),
    "DOUBLE|FLOAT|DECIMAL.*": _FRACTIONS,
    ".*INT.*": frozenset({"number", "integer", "text"}),
    ".*": frozenset({"text"}),
}


@dataclass(frozen=True, slots=True)
class FileSample:
    """One table: its kind, how its text is written, and a look at every column.

    ``rows`` are all that it has, ``values`` the first of each column, nulls as None. ``encoding``
    is empty where nothing but ASCII tells it.
    """

    fmt: FileKind
    columns: dict[str, ColumnSample]
    delimiter: str = ","
    encoding: str = ""
    nulls: tuple[str, ...] = field(default=("",))
    table: str | None = None
    header_row: int = 1
    rows: int = 0
    values: dict[str, list[str | None]] = field(default_factory=dict, repr=False)
    unique: frozenset[str] = frozenset()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, csv.Error, zipfile.BadZipFile, duckdb.Error) as error:
        raise ContractError(f"{path}: cannot be looked at ({type(error).__name__})") from error


def tables_within(path: Path) -> list[str | None]:
    """The tables, sheets or members of a file; None for a file that is one table."""
    kind = file_kind(path.name)
    names: Sequence[str] = ()
    with _refusing(path):
        if kind == "excel":
            names = sheets(path)
        elif kind == "sqlite":
            with opened(path) as database:
                names = tables(database)
        elif kind == "duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                rows = connection.execute("from duckdb_tables() select table_name").fetchall()
                names = [name for (name,) in rows]
        elif path.suffix == ".zip":
            with closing(zipfile.ZipFile(path)) as archive:
                names = members(archive)
    named = kind in ("sqlite", "duckdb") or len(names) > 1
    return list(names) if named else [None]


def sample_file(path: Path, table: str | None = None) -> FileSample:
    """Look at a table; raises ``ContractError`` when it is unreadable."""
    kind = file_kind(path.name)
    with _refusing(path), tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        delimiter, encoding, header_row = ",", "", 1
        if kind == "csv":
            encoding = _encoding(path, table or "")
            delimiter, header_row = _header(_top_rows(path, table or "", encoding or "utf-8"))
        elif kind == "excel":
            with sheet(path, table or "") as (_, cells):
                top = [
                    ["" if c is None else str(c) for c in row] for row in islice(cells, _TOP_ROWS)
                ]
            header_row = _header({",": top})[1]
        dialect = Dialect(delimiter=delimiter, encoding=encoding or "utf-8")
        declared = Declared(table or "", dialect, Path(scratch) / "copy", header_row)
        part = READERS[kind].open(connection, path, declared)
        texts = {name: as_text(part.expressions[name], kind) for name, kind in part.columns.items()}
        shown = ", ".join(f"{text} as c{i}" for i, text in enumerate(texts.values()))
        found = connection.execute(f"select {shown} from {part.relation} limit {ROWS}").fetchall()
        seen = {cell for row in found for cell in row}
        nulls = ("", *(word for word in _NULLS if word in seen))
        values: dict[str, list[str | None]] = {
            name: [None if row[i] in nulls else row[i] for row in found]
            for i, name in enumerate(texts)
        }
        columns = {
            name: _typed(part.columns[name], [text for text in texts_of if text is not None])
            for name, texts_of in values.items()
        }
        _settle_forms(columns)
        # The rows of the whole table, and its columns that have another value in each of them.
        likely = [n for n, c in columns.items() if c.distinct == len(found) and found]
        asked = ["count(*)", *(f"count(distinct {part.expressions[name]})" for name in likely)]
        query = f"select {', '.join(asked)} from {part.relation}"
        rows, *distinct = connection.execute(query).fetchone() or (0,)
        unique = frozenset(n for n, d in zip(likely, distinct, strict=True) if d == rows)
        return FileSample(
            kind, columns, delimiter, encoding, nulls, table, header_row, rows, values, unique
        )


def _settle_forms(columns: dict[str, ColumnSample]) -> None:
    """Where days and months could change places, another column of the table may tell."""
    sure = {column.form for column in columns.values() if column.form and not column.doubtful}
    for name, column in columns.items():
        swapped = column.form.replace("%d/%m", "%m/%d")
        if column.doubtful and {column.form, swapped} & sure:
            form = column.form if column.form in sure else swapped
            columns[name] = replace(column, form=form, doubtful={column.form, swapped} <= sure)


def _encoding(path: Path, member: str) -> str:
    """utf-8 or cp1252 by all the bytes of a file; empty when they are ASCII, which is both."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    plain = True
    with unpacked(path, member) as file:
        while chunk := file.read(_CHUNK):
            plain = plain and chunk.isascii()
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return "cp1252"
    return "" if plain else "utf-8"


def _top_rows(path: Path, member: str, encoding: str) -> dict[str, list[list[str]]]:
    """The first lines of a text, cut at each delimiter that may be the one."""
    with unpacked(path, member) as file:
        start = file.read(_TOP_BYTES)
    whole = start if len(start) < _TOP_BYTES else start[: start.rfind(b"\n") + 1]
    text = whole.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = list(islice(StringIO(text, newline=""), _TOP_ROWS))
    return {
        sign: [next(csv.reader([line], delimiter=sign), []) for line in lines] for sign in ",;\t|"
    }


def _header(rows: dict[str, list[list[str]]]) -> tuple[str, int]:
    """The delimiter, and the row that names the columns: the first as wide as most, all named."""
    best, header = (0, ","), 1
    for sign, cut in rows.items():
        widths = Counter(len(row) for row in cut if len(row) > 1 or "," not in rows)
        width = max(widths, key=lambda w: (widths[w], w), default=1)
        score = widths[width] * (width > 1)
        if score > best[0]:
            named = (i for i, row in enumerate(cut, 1) if len(row) == width and _names(row))
            best, header = (score, sign), next(named, 1)
    return best[1], header


def _names(row: Sequence[str]) -> bool:
    given = [cell for cell in row if cell.strip()]
    return len(given) >= len(row) - 1 and len(set(given)) == len(given)


def _typed(stored: str, values: Sequence[str]) -> ColumnSample:
    looked = sample_column(values)
    if stored == "VARCHAR":
        return looked
    kinds = next(kinds for form, kinds in _TYPES.items() if re.fullmatch(form, stored))
    fraction = kinds is _FRACTIONS
    plain = ColumnSample(kinds, fraction=fraction, truth=looked.truth, counts=looked.counts)
    return replace(plain, distinct=looked.distinct, non_null=looked.non_null)
