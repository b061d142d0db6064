"""Files that are far larger than they look are refused in bounded memory, with file and place."""

import gzip
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from features.errors import ContractError
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.excel_reader import sheets

MB = 1_000_000
ALLOWED = 150 * MB
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads its peak from /proc")


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def long(*parts: bytes | int) -> Iterator[bytes]:
    """The parts, where a number is so many megabytes of one letter."""
    for part in parts:
        yield from [b"a" * MB] * part if isinstance(part, int) else [part]


def text(*parts: bytes | int):
    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.writelines(long(*parts))

    return "customers.csv", write


def packed(*parts: bytes | int):
    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.writelines(long(*parts))

    return "customers.csv.gz", write


def parquet(values: list[str], **options: object):
    def write(path: Path) -> None:
        pq.write_table(pa.table({"customer_id": values}), path, compression="zstd", **options)

    return "customers.parquet", write


def sheet(part: str, before: bytes, *content: bytes | int):
    def write(path: Path) -> None:
        book, plain = Workbook(), path.with_suffix(".plain")
        book.active.append(["customer_id"])
        book.active.append(["a"])
        book.save(plain)
        with (
            zipfile.ZipFile(plain) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        ):
            for name in source.namelist():
                first, mark, last = source.read(name).partition(before if name == part else b"\0")
                with made.open(name, "w") as file:
                    file.writelines(long(first, *(content if mark else ()), mark, last))
        plain.unlink()

    return "customers.xlsx", write


ROWS = b"abcdefgh,1\n" * 100_000
SHEET, END = "xl/worksheets/sheet1.xml", b"</sheetData>"
BOMBS = {
    "a field": (text(b"customer_id,x\na,1\nb,", 100), "line 3: a line of more than"),
    "a field with a quote": (text(b'customer_id,x\na,"', 100, b'"\n'), "line 2: a line of more"),
    "a header": (text(100, b"\na\n"), "line 1: a line of more than"),
    "columns": (text(b"customer_id", b",a" * 500_000, b"\na\n"), "500,001 columns; at most"),
    "an open quote": (text(b'customer_id,x\na,"', *[ROWS] * 40), "line 2: "),
    "an open quote in the header": (
        text(b'"customer_id,x\n', *[ROWS] * 40),
        "line 1: unreadable header",
    ),
    "old line ends": (text(b"customer_id,x\r", 100, b"\ra"), "a line of more than"),
    "a packed field": (packed(b"customer_id\n", 100), "line 2: a line of more than"),
    "a text many times": (parquet(["a" * (10 * MB)] * 20), "'customer_id': a text of 10,000,000"),
    "texts as they are": (
        parquet(["a" * (10 * MB)] * 26, use_dictionary=False),
        "row group 0, column 'customer_id': 260,000,",
    ),
    "texts among ids": (
        parquet([*map(str, range(10_000)), *["a" * (5 * MB)] * 60], row_group_size=10_000),
        "'customer_id': a text of 5,000,000 bytes",
    ),
    "a long text": (parquet([*map(str, range(500)), "a" * 20_000]), "a text of 20,000 bytes"),
    "a cell": (sheet(SHEET, END, b'<row r="3"><c r="A3"><v>', 100, b"</v></c></row>"), "sheet1"),
    "cells": (
        sheet(SHEET, END, b"<row>", *[b"<c><v>1</v></c>" * 10_000] * 300, b"</row>"),
        "sheet1",
    ),
    "elements": (sheet(SHEET, END, b"<a>" * (3 * MB)), "sheet1"),
    "styles": (sheet("xl/styles.xml", b"</styleSheet>", b"<a>" * (3 * MB)), "styles"),
    "a row far below": (
        sheet(SHEET, END, b'<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>'),
        "rows beyond 1,048,576",
    ),
}


@pytest.mark.fault(52)
@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_expands_is_refused_in_little_memory(name: str, company, tmp_path: Path):
    (file, write), said = BOMBS[name]
    settings = company(sources={"customers": {"path": file, "known_delay_days": 0}})
    settings.paths.data.mkdir(exist_ok=True)
    write(settings.paths.data / file)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    with pytest.raises(ContractError) as caught:
        take_snapshot(settings, tmp_path / "snapshot")
    assert status("VmHWM") - before < ALLOWED
    assert file in str(caught.value)
    assert said in str(caught.value)


def test_the_titles_of_a_hostile_book_are_not_read(tmp_path: Path):
    file, write = sheet("xl/workbook.xml", b"</workbook>", b"<a>" * (3 * MB))
    write(tmp_path / file)
    with pytest.raises(ContractError, match=r"xl/workbook\.xml: larger than Excel writes it"):
        sheets(tmp_path / file)
