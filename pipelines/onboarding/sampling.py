"""File sampling: format, text dialect and column types from the first rows.

Only for drafting a configuration that a person confirms; a run never guesses. No value leaves
these functions but the few words of a column that has few, which the draft has to map.
"""

import csv
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import ContractError
from pipelines.config.sources import FileKind

_FEW = 30
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y%m%d", "%d.%m.%y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M:%S%z", " %H:%M:%S.%f", "T%H:%M:%S.%f")
_TRUTHS = (
    *(("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"), ("t", "f")),
    *(("ja", "nei"), ("Ja", "Nei"), ("J", "N"), ("ja", "nej"), ("Ja", "Nej")),
    *(("yes", "no"), ("Yes", "No"), ("Y", "N")),
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}([ .,'\u00a0\u202f])\d{3}(?:\1\d{3})*|\d+)([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """One column: what it may hold, and how. ``form`` is a date's or an instant's.

    ``words`` are its distinct values when there are few. ``doubtful`` when several forms fit.
    """

    kinds: frozenset[str]
    form: str = ""
    decimal: str = ""
    thousands: str = ""
    fraction: bool = False
    truth: tuple[str, str] | None = None
    words: tuple[str, ...] = ()
    doubtful: bool = False


def sample_column(values: Sequence[str]) -> ColumnSample:
    """What a column of text may hold, by all the values given."""
    if not values:
        return ColumnSample(frozenset({"text"}))
    counted = Counter(values)
    words = tuple(sorted(counted)) if len(counted) <= _FEW else ()
    truth = next((pair for pair in _TRUTHS if set(counted) <= set(pair)), None)
    kinds = {"text"} | ({"boolean"} if truth else set())
    forms = _forms(list(counted))
    if forms:
        moment = "instant" if "%H" in forms[0] else "date"
        return ColumnSample(
            frozenset(kinds | {moment}), forms[0], words=words, doubtful=_ambiguous(forms)
        )
    signs = _signs(counted)
    if signs is None:
        return ColumnSample(frozenset(kinds), truth=truth, words=words)
    decimal, thousands, fraction = signs
    kinds |= {"number"} if fraction else {"number", "integer"}
    doubtful = thousands in (".", ",") and not fraction
    return ColumnSample(frozenset(kinds), "", decimal, thousands, fraction, truth, words, doubtful)


def _forms(values: list[str]) -> list[str]:
    forms = [f"{day}{clock}" for day in _DATES for clock in _CLOCKS]
    for value in values:
        forms = [form for form in forms if _reads(value, form)]
    return forms


def _ambiguous(forms: list[str]) -> bool:
    return {"%d/%m/%Y", "%m/%d/%Y"} <= {form[:8] for form in forms}


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


ROWS = 1000
_BYTES = 1 << 18
_NULLS = ("NULL", "null", "NA", "N/A", "n/a", "\\N", "None", "-")


@dataclass(frozen=True, slots=True)
class FileSample:
    """One file: its format, how its text is written, and a look at every column."""

    fmt: FileKind
    columns: dict[str, ColumnSample]
    delimiter: str = ","
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = field(default=("",))


def sample_file(path: Path) -> FileSample:
    """Look at the first rows of a CSV or Parquet file; raises ``ContractError`` when unreadable."""
    try:
        return _parquet(path) if path.suffix == ".parquet" else _text(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ContractError(f"{path}: cannot be looked at ({type(error).__name__})") from error


def _text(path: Path) -> FileSample:
    with path.open("rb") as file:
        start = file.read(_BYTES)
    whole = start if len(start) < _BYTES else start[: start.rfind(b"\n") + 1]
    encoding = _encoding(whole)
    lines = whole.decode(encoding).removeprefix("\ufeff").splitlines()
    head = lines[0] if lines else ""
    delimiter = max(",;\t|", key=head.count)
    header, *rows = list(csv.reader(lines[: ROWS + 1], delimiter=delimiter)) or [[]]
    rows = [row for row in rows if len(row) == len(header)]
    seen = {cell for row in rows for cell in row}
    nulls = ("", *(word for word in _NULLS if word in seen))
    columns = {
        name: sample_column([row[i] for row in rows if row[i] not in nulls])
        for i, name in enumerate(header)
    }
    return FileSample("csv", columns, delimiter, encoding, nulls)


def _encoding(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _parquet(path: Path) -> FileSample:
    with pq.ParquetFile(path) as file:
        batch = next(file.iter_batches(ROWS), None)
        schema = file.schema_arrow
    columns = {}
    for field_ in schema:
        column = None if batch is None else batch.column(field_.name)
        columns[field_.name] = _typed(field_.type, column)
    return FileSample("parquet", columns)


def _typed(kind: pa.DataType, column: pa.Array | None) -> ColumnSample:
    if pa.types.is_date(kind):
        return ColumnSample(frozenset({"date"}))
    if pa.types.is_timestamp(kind):
        return ColumnSample(frozenset({"instant"}))
    if pa.types.is_boolean(kind):
        return ColumnSample(frozenset({"boolean"}))
    if pa.types.is_integer(kind):
        return ColumnSample(frozenset({"number", "integer", "text"}))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return ColumnSample(frozenset({"number", "integer"}), fraction=True)
    values = [] if column is None else [str(v) for v in column.drop_null().to_pylist()]
    return sample_column(values)
