"""File writers: a list as CSV, Excel CSV, workbook and Parquet, as its layout says.

CSV cells are joined here, by Arrow, as the writers of pandas, Arrow and DuckDB quote other cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from pipelines.config.lists import CRM, EXCEL, EXCEL_ROWS, CsvStyle, RiskList
from pipelines.config.text_files import load_titles, text_file
from pipelines.publication.manifest import DECIMALS, Field
from pipelines.runtime.atomic_files import storage_errors
from pipelines.runtime.escaping import escape

_ROWS_AT_ONCE = 100_000
_TYPES = {"text": pa.string(), "integer": pa.int64(), "date": pa.date32(), "boolean": pa.bool_()}

Schemas = dict[str, tuple[Field, ...]]
"""The fields of each written file, under the names that its header has, by its path."""


def write_list(
    frame: pd.DataFrame,
    fields: tuple[Field, ...],
    folder: Path,
    name: str,
    options: RiskList,
    language: str,
) -> Schemas:
    """Write the columns of ``fields`` to ``folder/name.*``: Parquet, and ``options.profiles``.

    Files of Excel have titles in the ``language`` of the list's texts. A file above
    ``options.rows_per_file`` is continued in ``name.part-02`` and so on; the Parquet twin never
    is: the same columns, typed, unescaped, with page checksums. CSV: ISO dates, UTF-8, an empty
    cell is null, text escaped for spreadsheets. Raises ``PublicationError`` when the disk refuses,
    ``ConfigError`` for titles that cannot be used.
    """
    excel, xlsx = f"excel-{language}" in options.profiles, "xlsx" in options.profiles
    named = load_titles(text_file("titles", language)) if excel or xlsx else {}
    titles = [named.get(field.name, field.name) for field in fields]
    titled = tuple(replace(f, name=title) for f, title in zip(fields, titles, strict=True))
    written: Schemas = {f"{name}.parquet": fields}
    with storage_errors(f"write the list {name}"):
        _write_parquet(frame, fields, folder / f"{name}.parquet")
        for part, rows in _parts(frame, name, options.rows_per_file):
            if "crm" in options.profiles:
                write_csv(rows, fields, folder / f"{part}{CRM.ending}")
                written[f"{part}{CRM.ending}"] = fields
            if excel:
                write_csv(rows, fields, folder / f"{part}{EXCEL.ending}", EXCEL, titles)
                written[f"{part}{EXCEL.ending}"] = titled
        for part, rows in _parts(frame, name, min(options.rows_per_file, EXCEL_ROWS)):
            if xlsx:
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
    """Write one CSV of ``write_list``, headed by ``titles`` or the fields' names; ``OSError``."""
    encoding = "utf-8-sig" if dialect.mark else "utf-8"
    header = _quoted(pa.array(titles or [field.name for field in fields]), dialect)
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(dialect.separator.join(header.to_pylist()) + dialect.line)
        for first in range(0, len(frame), _ROWS_AT_ONCE):
            part = frame.iloc[first : first + _ROWS_AT_ONCE]
            cells = [_cells(part[field.name], field, dialect) for field in fields]
            filled = [pc.fill_null(column, "") for column in cells]
            rows = pc.binary_join_element_wise(*filled, dialect.separator)
            file.writelines(row + dialect.line for row in rows.to_pylist())


def _typed(values: pd.Series, field: Field, *, escaped: bool = True) -> pa.Array:
    """The column in its type, one for all kinds of files; text ``escaped`` for spreadsheets."""
    if field.type == "text" and escaped:
        values = escape(values.astype("str"))
    return pa.Array.from_pandas(values, type=_TYPES.get(field.type, pa.float64()))


def _cells(values: pd.Series, field: Field, dialect: CsvStyle) -> pa.Array:
    if isinstance(values.dtype, pd.CategoricalDtype):  # each distinct text once
        codes = values.cat.codes.to_numpy()
        distinct = _cells(values.cat.categories.to_series(), field, dialect)
        return distinct.take(pa.array(codes, mask=codes < 0))
    typed = _typed(values, field)
    if field.type == "text":
        return _quoted(typed, dialect)
    if field.type not in DECIMALS:
        return typed.cast(pa.string())
    form, numbers = f"%.{DECIMALS[field.type]}f", typed.to_pylist()
    texts = ["" if n is None else (form % n).replace(".", dialect.decimal) for n in numbers]
    return pa.array(texts, pa.string())


def _quoted(text: pa.Array, dialect: CsvStyle) -> pa.Array:
    doubled = pc.replace_substring(text, '"', '""')
    special = pc.match_substring_regex(text, f'[",{dialect.separator}\r\n\\s]')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), text)


def _write_parquet(frame: pd.DataFrame, fields: tuple[Field, ...], path: Path) -> None:
    schema = pa.schema([(each.name, _TYPES.get(each.type, pa.float64())) for each in fields])
    options = {"compression": "zstd", "write_page_checksum": True}
    with pq.ParquetWriter(path, schema, **options) as file:
        for first in range(0, len(frame) or 1, _ROWS_AT_ONCE):
            part = frame.iloc[first : first + _ROWS_AT_ONCE]
            cells = [_typed(part[each.name], each, escaped=False) for each in fields]
            file.write_table(pa.table(cells, schema))


GOOD, LOOK, BAD = "#E2EFDA", "#FFF2CC", "#F8CBAD"
_OPTIONS = {
    "constant_memory": True,
    **dict.fromkeys(("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False),
}
# The same rows give the same bytes, so no clock.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
_NUMBER_FORMATS = {"text": "@", "integer": "0", "boolean": "General"}
_NUMBER_FORMATS |= {kind: f"{0:.{digits}f}" for kind, digits in DECIMALS.items()}
_BORDER: dict[str, object] = {"border": 1, "border_color": "#BFBFBF", "text_wrap": True}
_CELL = _BORDER | {"font_name": "Calibri", "font_size": 10, "valign": "top", "align": "left"}
_HEAD = {"bold": True, "font_color": "white", "bg_color": "#1F4E78"}
_LINE_POINTS = 13


@dataclass(frozen=True, slots=True)
class Look:
    """How a workbook looks that people fill in: ``widths`` in characters, by column.

    ``choices`` are the words of a drop-down, ``since`` the earliest day, ``colours`` the words that
    colour their cell, by the column's name; ``header`` and ``footer`` stand on the printed page.
    """

    title: str = "Stille"
    date_form: str = "yyyy-mm-dd"
    widths: tuple[int, ...] = ()
    header: str = ""
    footer: str = ""
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: Mapping[str, date] = field(default_factory=dict)
    colours: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def write_workbook(
    frame: pd.DataFrame,
    fields: tuple[Field, ...],
    titles: list[str],
    path: Path,
    look: Look = Look(),
) -> None:
    """Write the columns of ``fields``, headed by ``titles``. Raises ``OSError``."""
    try:
        with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
            book.set_properties({"created": _CREATED})
            sheet = book.add_worksheet(look.title)
            style = _CELL if look.widths else {}
            bold = book.add_format(style | (_HEAD if look.widths else {"bold": True}))
            numbers = _NUMBER_FORMATS | {"date": look.date_form}
            forms = [book.add_format(style | {"num_format": numbers[f.type]}) for f in fields]
            _lay_out(book, sheet, [f.name for f in fields], len(frame), look)
            sheet.write_row(0, 0, titles, bold)
            columns = [_typed(frame[each.name], each).to_pylist() for each in fields]
            for row, cells in enumerate(zip(*columns, strict=True), start=1):
                if look.widths:
                    sheet.set_row(row, _height(cells, look.widths))
                for column, (cell, form) in enumerate(zip(cells, forms, strict=True)):
                    if cell is not None or look.widths:
                        sheet.write(row, column, cell, form)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise error.args[0] from None


def _lay_out(book: Any, sheet: Any, names: Sequence[str], rows: int, look: Look) -> None:
    last = max(rows, 1)
    sheet.freeze_panes(1, 2 if look.widths else 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, last, len(names) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.set_margins(left=0.3, right=0.3, top=0.6, bottom=0.5)
    sheet.fit_to_pages(1, 0)
    sheet.set_header(look.header and f"&L{look.header}")
    sheet.set_footer(look.footer and f"&R{look.footer}")
    if look.widths:
        sheet.set_row(0, 2 * _LINE_POINTS + 2)
    for column, width in enumerate(look.widths):
        sheet.set_column(column, column, width)
    for column, name in enumerate(names):
        cells = (1, column, last, column)
        if name in look.choices:
            sheet.data_validation(*cells, {"validate": "list", "source": look.choices[name]})
        if name in look.since:
            earliest = {"criteria": ">=", "value": look.since[name]}
            sheet.data_validation(*cells, {"validate": "date", **earliest})
        for word, colour in look.colours.get(name, {}).items():
            rule = {"type": "text", "criteria": "containing", "value": word, "stop_if_true": True}
            shade = book.add_format({"bg_color": colour})
            sheet.conditional_format(*cells, rule | {"format": shade})


def _height(cells: Sequence[object], widths: Sequence[int]) -> int:
    """Points that a row needs, as not every program fits rows to their text by itself."""
    texts = ("" if cell is None else str(cell) for cell in cells)
    lines = (len(wrap(text, width * 10 // 9)) for text, width in zip(texts, widths, strict=True))
    return _LINE_POINTS * max(*lines, 1)
