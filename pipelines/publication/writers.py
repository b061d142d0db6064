"""File writers: a list as CSV, Excel CSV, workbook and Parquet, as its layout says.

CSV cells are joined here, as the writers of pandas, Arrow and DuckDB quote other cells.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.config.lists import CRM, EXCEL, EXCEL_ROWS, CsvStyle, Layout
from pipelines.publication.excel import write_workbook
from pipelines.publication.schema import DECIMALS, Field
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.escaping import escape

_ROWS_AT_ONCE = 100_000

Schemas = dict[str, tuple[Field, ...]]
"""The fields of each written file, under the names that its header has, by its path."""


def write_list(
    frame: pd.DataFrame, fields: tuple[Field, ...], folder: Path, name: str, layout: Layout
) -> Schemas:
    """Write the columns of ``fields`` to ``folder/name.*``, Parquet always, the rest as laid out.

    A file above ``layout.rows_per_file`` is continued in ``name.part-02`` and so on; the Parquet
    twin never is. CSV: ISO dates, UTF-8, an empty cell is null, text escaped for spreadsheets.
    Parquet: the same columns, typed, unescaped, with page checksums. Raises
    ``PublicationError`` when the disk refuses.
    """
    titles = [layout.titles.get(field.name, field.name) for field in fields]
    titled = tuple(replace(f, name=title) for f, title in zip(fields, titles, strict=True))
    written: Schemas = {f"{name}.parquet": fields}
    with storage_errors(f"write the list {name}"):
        write_parquet(frame, fields, folder / f"{name}.parquet")
        for part, rows in _parts(frame, name, layout.rows_per_file):
            if layout.crm:
                write_csv(rows, fields, folder / f"{part}{CRM.ending}")
                written[f"{part}{CRM.ending}"] = fields
            if layout.excel:
                write_csv(rows, fields, folder / f"{part}{EXCEL.ending}", EXCEL, titles)
                written[f"{part}{EXCEL.ending}"] = titled
        for part, rows in _parts(frame, name, min(layout.rows_per_file, EXCEL_ROWS)):
            if layout.xlsx:
                write_workbook(rows, fields, titles, folder / f"{part}.xlsx")
                written[f"{part}.xlsx"] = titled
    return written


def _parts(frame: pd.DataFrame, name: str, limit: int) -> Iterator[tuple[str, pd.DataFrame]]:
    yield name, frame.iloc[:limit]
    for number, first in enumerate(range(limit, len(frame), limit), start=2):
        yield f"{name}.part-{number:02}", frame.iloc[first : first + limit]


def write_csv(
    frame: pd.DataFrame,
    fields: tuple[Field, ...],
    path: Path,
    dialect: CsvStyle = CRM,
    titles: list[str] | None = None,
) -> None:
    """Write one CSV of ``write_list``, headed by ``titles`` or the fields' names.

    Raises ``OSError``.
    """
    encoding = "utf-8-sig" if dialect.mark else "utf-8"
    header = pd.Series(titles or [field.name for field in fields], dtype="str")
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(dialect.separator.join(_quoted(header, dialect)) + dialect.line)
        for first in range(0, len(frame), _ROWS_AT_ONCE):
            file.write(_lines(frame.iloc[first : first + _ROWS_AT_ONCE], fields, dialect))


def write_parquet(frame: pd.DataFrame, fields: tuple[Field, ...], path: Path) -> None:
    """Write the Parquet of ``write_list``; raises ``OSError``."""
    schema = _arrow_schema(fields)
    arrays = [
        pa.Array.from_pandas(frame[field.name], type=schema.field(field.name).type)
        for field in fields
    ]
    table = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def _lines(frame: pd.DataFrame, fields: tuple[Field, ...], dialect: CsvStyle) -> str:
    cells = pd.concat([_cells(frame[field.name], field, dialect) for field in fields], axis=1)
    rows = cells.iloc[:, 0].str.cat(cells.iloc[:, 1:], sep=dialect.separator)
    return dialect.line.join(rows) + dialect.line


def _cells(values: pd.Series, field: Field, dialect: CsvStyle) -> pd.Series:
    if field.type == "text":
        cells = _quoted(escape(values.astype("str")), dialect)
    elif field.type == "date":
        cells = pd.to_datetime(values).dt.strftime("%Y-%m-%d").astype("str")
    elif field.type == "integer":
        cells = values.astype("Int64").astype("string").astype("str")
    elif field.type == "boolean":
        cells = values.astype("boolean").map({True: "true", False: "false"}).astype("str")
    else:
        form = f"{{:.{DECIMALS[field.type]}f}}".format
        cells = values.astype("float64").map(form, na_action="ignore").astype("str")
        cells = cells.str.replace(".", dialect.decimal, regex=False)
    return cells.fillna("")


def _quoted(text: pd.Series, dialect: CsvStyle) -> pd.Series:
    quoted = '"' + text.str.replace('"', '""', regex=False) + '"'
    special = f'[",{dialect.separator}\r\n\\s]'
    return text.where(~text.str.contains(special, regex=True).fillna(value=False), quoted)


def _arrow_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """Text as string, integers as int64, decimals as float64, dates as date32, booleans as bool."""
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "date": pa.date32(),
        "boolean": pa.bool_(),
    }
    return pa.schema([(field.name, types.get(field.type, pa.float64())) for field in fields])
