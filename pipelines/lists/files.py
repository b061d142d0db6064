"""One list, written twice: CSV in the `crm` profile, and its Parquet twin."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lists.csvsafe import escape
from pipelines.lists.fields import DECIMALS, Field
from pipelines.storage import storage_errors

_ROWS_AT_ONCE = 100_000


def write_list(frame: pd.DataFrame, fields: tuple[Field, ...], folder: Path, name: str) -> None:
    """Write ``folder/name.csv`` and ``folder/name.parquet`` with the columns of ``fields``.

    CSV: comma, decimal point, UTF-8 without BOM, LF, ISO dates, an empty cell is null, text
    escaped for spreadsheets. Parquet: the same columns, typed, unescaped, with page checksums.
    Raises ``PublicationError`` when the disk refuses.
    """
    with storage_errors(f"write the list {name}"):
        write_csv(frame, fields, folder / f"{name}.csv")
        write_parquet(frame, fields, folder / f"{name}.parquet")


def write_csv(frame: pd.DataFrame, fields: tuple[Field, ...], path: Path) -> None:
    """Write the CSV of ``write_list``; raises ``OSError``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(field.name for field in fields) + "\n")
        for first in range(0, len(frame), _ROWS_AT_ONCE):
            file.write(_lines(frame.iloc[first : first + _ROWS_AT_ONCE], fields))


def write_parquet(frame: pd.DataFrame, fields: tuple[Field, ...], path: Path) -> None:
    """Write the Parquet of ``write_list``; raises ``OSError``."""
    schema = _arrow_schema(fields)
    arrays = [
        pa.Array.from_pandas(frame[field.name], type=schema.field(field.name).type)
        for field in fields
    ]
    table = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)


def _lines(frame: pd.DataFrame, fields: tuple[Field, ...]) -> str:
    cells = pd.concat([_cells(frame[field.name], field) for field in fields], axis=1)
    rows = cells.iloc[:, 0].str.cat(cells.iloc[:, 1:], sep=",")
    return "\n".join(rows) + "\n"


def _cells(values: pd.Series, field: Field) -> pd.Series:
    if field.type == "text":
        text = escape(values.astype("str"))
        quoted = '"' + text.str.replace('"', '""', regex=False) + '"'
        cells = text.where(
            ~text.str.contains('[",\r\n\\s]', regex=True).fillna(value=False), quoted
        )
    elif field.type == "date":
        cells = pd.to_datetime(values).dt.strftime("%Y-%m-%d").astype("str")
    elif field.type == "integer":
        cells = values.astype("Int64").astype("string").astype("str")
    else:
        form = f"{{:.{DECIMALS[field.type]}f}}".format
        cells = values.astype("float64").map(form, na_action="ignore").astype("str")
    return cells.fillna("")


def _arrow_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """Text as string, integers as int64, decimals as float64, dates as date32."""
    types = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32()}
    return pa.schema([(field.name, types.get(field.type, pa.float64())) for field in fields])
