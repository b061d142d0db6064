"""Row deletion by customer id in Parquet, CSV and Excel files.

Every other row stays as it was, so that only what had to change changes.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.config.lists import CRM, EXCEL, CsvStyle
from pipelines.runtime.atomic_files import sync

CUSTOMER = "customer_id"


def without_in_parquet(path: Path, customer: str, column: int | None = None) -> bool:
    """Whether rows of ``customer`` were taken out; the file is replaced whole, then.

    ``column`` is the place of the customer's id, by default the column ``customer_id``; a file
    without one is left alone.
    """
    schema = pq.read_schema(path)
    place = schema.get_field_index(CUSTOMER) if column is None else column
    if place < 0:
        return False
    table = pq.read_table(path, partitioning=None)
    others = pc.fill_null(pc.not_equal(table[place].cast(pa.string()), customer), True)
    kept = table.filter(others)
    if len(kept) == len(table):
        return False
    temporary = path.with_suffix(".forgetting")
    pq.write_table(kept, temporary, compression="zstd", write_page_checksum=True)
    return _replace_or_drop(temporary, path, removed=True)


def _without_in_csv(path: Path, customer: str, column: int, dialect: CsvStyle) -> bool:
    """Lines of other records are copied as they stand, so their bytes stay the same."""
    encoding = "utf-8-sig" if dialect.mark else "utf-8"
    temporary, removed = path.with_suffix(".forgetting"), False
    with (
        path.open(encoding=encoding, newline="") as source,
        temporary.open("w", encoding=encoding, newline="") as target,
    ):
        record: list[str] = []

        def lines() -> Iterator[str]:
            for line in source:
                record.append(line)
                yield line

        for cells in csv.reader(lines(), delimiter=dialect.separator):
            if cells and cells[column] == customer:
                removed = True
            else:
                target.writelines(record)
            record.clear()
    return _replace_or_drop(temporary, path, removed=removed)


def _without_in_workbook(path: Path, customer: str, column: int) -> bool:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    rows = enumerate(sheet.iter_rows(min_row=2, values_only=True), start=2)
    numbers = [number for number, cells in rows if cells[column] == customer]
    for number in reversed(numbers):
        sheet.delete_rows(number)
    temporary = path.with_suffix(".forgetting")
    if numbers:
        book.save(temporary)
    return _replace_or_drop(temporary, path, removed=bool(numbers))


WITHOUT: Mapping[str, Callable[[Path, str, int], bool]] = MappingProxyType(
    {
        EXCEL.ending: lambda path, who, at: _without_in_csv(path, who, at, EXCEL),
        CRM.ending: lambda path, who, at: _without_in_csv(path, who, at, CRM),
        ".xlsx": _without_in_workbook,
        ".parquet": without_in_parquet,
    }
)
"""How to take a customer, whose id stands in a given column, out of a file of each ending."""


def _replace_or_drop(temporary: Path, path: Path, *, removed: bool) -> bool:
    if removed:
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    else:
        temporary.unlink(missing_ok=True)
    return removed
