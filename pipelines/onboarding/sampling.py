"""File sampling: format, text dialect and column types from the first rows.

Only for drafting a configuration that a person confirms; a run never guesses. No value leaves
these functions but the few words of a column that has few, which the draft has to map.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import ContractError
from pipelines.config.sources import FileKind
from pipelines.onboarding.text_formats import ColumnSample, sample_column

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
