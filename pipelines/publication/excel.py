"""Excel writer: ids as text, a frozen header, no formula, no link.

The same rows give the same bytes, so no clock enters the file.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from pipelines.publication.schema import DECIMALS, Field
from pipelines.runtime.escaping import escape

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
# The same rows give the same bytes, so no clock.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def write_workbook(
    frame: pd.DataFrame, fields: tuple[Field, ...], titles: list[str], path: Path
) -> None:
    """Write one worksheet; raises ``OSError``. Text cells are escaped as in CSV."""
    with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
        book.set_properties({"created": _CREATED})
        sheet = book.add_worksheet("Stille")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True, "num_format": "@"})
        for column, title in enumerate(titles):
            sheet.write_string(0, column, title, bold)
        writers = [_writer(sheet, book, field) for field in fields]
        columns = [_cells(frame[field.name], field) for field in fields]
        for row, cells in enumerate(zip(*columns, strict=True), start=1):
            for column, (write, cell) in enumerate(zip(writers, cells, strict=True)):
                if cell is not None:
                    write(row, column, cell)


def _writer(sheet: Any, book: Any, field: Field) -> Callable[[int, int, Any], object]:
    shown = book.add_format({"num_format": _number_format(field)})
    kinds = {
        "text": sheet.write_string,
        "date": sheet.write_datetime,
        "boolean": sheet.write_boolean,
    }
    write = kinds.get(field.type, sheet.write_number)
    return lambda row, column, cell: write(row, column, cell, shown)


def _number_format(field: Field) -> str:
    if field.type in DECIMALS:
        return "0." + "0" * DECIMALS[field.type]
    return {"text": "@", "date": "yyyy-mm-dd", "integer": "0", "boolean": "General"}[field.type]


def _cells(values: pd.Series, field: Field) -> list[Any]:
    if field.type == "text":
        cells = escape(values.astype("str")).astype(object)
    elif field.type == "date":
        cells = pd.Series(pd.to_datetime(values).dt.to_pydatetime(), dtype=object)
    else:
        cells = values.astype(object)
    return cells.where(values.notna().to_numpy(), None).tolist()
