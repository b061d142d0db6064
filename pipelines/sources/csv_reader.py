"""CSV reader: text files are proven decodable and rectangular, as DuckDB accepts more."""

import codecs
import csv
import re
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import IO, Any

import duckdb

from features.errors import ContractError
from pipelines.config.sources import Dialect, composed
from pipelines.runtime.duckdb_connection import Connection, first_line, literal
from pipelines.sources.packed_text import PACKED, run_on, unpacked
from pipelines.sources.readable_part import Declared, Part, Reader, TextFacts, header_names

MAX_LINE_BYTES = 2_000_000
_CHUNK = 1 << 20
_LOOKED_AT = 30
csv.field_size_limit(MAX_LINE_BYTES)  # of the process, as the module csv has no other
_READ_AS_UTF8 = ("utf-8", "utf-8-sig", "ascii")


class CsvReader(Reader):
    """Text files, read as text in the declared dialect only."""

    name = "CSV"

    def open(self, connection: Connection, path: Path, declared: Declared) -> Part:
        """Check encoding, NUL bytes and header; what DuckDB cannot read is copied to plain UTF-8.

        Raises ``ContractError`` naming the file, and the line where there is one.
        """
        if path.stat().st_size == 0:
            raise ContractError(f"{path}: the file is empty (0 bytes); was its export cut off?")
        dialect, row = declared.dialect, declared.header_row
        plain = codecs.lookup(dialect.encoding).name in _READ_AS_UTF8
        as_it_is = plain and row == 1 and path.suffix not in PACKED
        readable = path if as_it_is else declared.scratch
        with nullcontext() if as_it_is else readable.open("wb") as copy:
            delimiters, quotes = _scan(path, declared, copy)
        header = _header(path, readable, dialect, row)
        facts = TextFacts(readable, header, delimiters, quotes, row)
        names = [f"c{i}" for i in range(len(header))]
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        relation = (
            f"read_csv({literal(readable)}, auto_detect=false, header=true, "
            f"columns={{{columns}}}, delim={literal(dialect.delimiter)}, "
            f"quote={literal(dialect.quote)}, escape={literal(dialect.quote)}, strict_mode=true, "
            f"null_padding=false, ignore_errors=false, parallel=false, "
            f"max_line_size={MAX_LINE_BYTES})"
        )
        return Part(
            name=str(path),
            path=path,
            columns=dict.fromkeys(header, "VARCHAR"),
            expressions={
                column: f"coalesce({name}, '')" for column, name in zip(header, names, strict=True)
            },
            relation=relation,
            row=f"row_number() over () + {row}",
            text=facts,
        )

    def prove(self, part: Part, dialect: Dialect, rows: int) -> None:
        """Raises ``ContractError`` for a file with no rows, a ragged row or an open quote."""
        if rows == 0:
            raise ContractError(f"{part.name}: only a header and no rows; was its export cut off?")
        facts = part.text
        # DuckDB passes over an unterminated last field and a trailing delimiter in silence; both
        # break these counts.
        if facts is None or (
            facts.quotes % 2 == 0 and facts.delimiters == (rows + 1) * (len(facts.header) - 1)
        ):
            return
        exact = _check_rows(part.path, facts, dialect)
        if exact != rows:
            raise ContractError(
                f"{part.name}: {rows:,} rows were read and {exact:,} are there; a quote is out of "
                "place"
            )

    def broken(self, part: Part, dialect: Dialect, error: duckdb.Error) -> ContractError:
        """Explain with the line number where it is known; raised when the exact reader finds it."""
        if part.text is not None:
            _check_rows(part.path, part.text, dialect)
        text = str(error)
        line = re.search(r"CSV Error on Line: (\d+)", text)
        skipped = 0 if part.text is None else part.text.header_row - 1
        where = f"{part.name}, line {int(line.group(1)) + skipped}" if line else part.name
        if "state machine" in text:
            return ContractError(f"{where}: mixes line ends, or quotes within unquoted fields")
        return ContractError(f"{where}: breaks the declared dialect ({first_line(error)})")


def _scan(path: Path, declared: Declared, copy: IO[bytes] | None) -> tuple[int, int]:
    dialect = declared.dialect
    decoder = codecs.getincrementaldecoder(dialect.encoding)()
    lines = 1
    above = declared.header_row - 1
    delimiters = quotes = since = 0
    with unpacked(path, declared.table) as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
                own = "utf-16" if error.object.startswith(marks) else "cp1252"
                raise ContractError(
                    f"{path}, line {lines}: not {dialect.encoding}, the declared encoding; "
                    "if the file is right, declare its own, for example "
                    f"dialect: {{encoding: {own}}}"
                ) from error
            if "\0" in text:
                line = lines + text[: text.index("\0")].count("\n")
                raise ContractError(f"{path}, line {line}: a NUL byte; export the file again")
            run, since = run_on(text, "\n" if "\n" in text else "\r", since)
            if run > MAX_LINE_BYTES:
                raise ContractError(
                    f"{path}, line {lines}: a line of more than {MAX_LINE_BYTES:,} characters; is "
                    "the line end or the file another one than declared? Export it again"
                )
            lines += text.count("\n")
            while above and text:
                _, ended, text = text.partition("\n")
                above -= bool(ended)
            delimiters += text.count(dialect.delimiter)
            quotes += text.count(dialect.quote)
            if copy is not None:
                copy.write(text.encode())
            if not chunk:
                return delimiters, quotes


def _header(path: Path, readable: Path, dialect: Dialect, row: int) -> tuple[str, ...]:
    at = f"{path}, line {row}"
    with readable.open(encoding="utf-8-sig", newline="") as file:
        try:
            names = [composed(name) for name in next(csv.reader(file, **_strict(dialect)), [])]
        except csv.Error as error:
            raise ContractError(f"{at}: unreadable header ({error})") from error
    titles = _title_lines(readable, dialect, row)
    # Excel is told the delimiter by a line of its own, sep=;
    if titles and (len(names) == 1 or "sep=" in names):
        raise ContractError(f"{at}: no header, and more cells in the lines below{titles}")
    return header_names(names, at, titles)


def _title_lines(readable: Path, dialect: Dialect, row: int) -> str:
    """What to declare when lines stand above the header: the first line of most and named cells."""
    with readable.open(encoding="utf-8-sig", newline="") as file:
        lenient = {**_strict(dialect), "strict": False}
        rows = [next(csv.reader([line], **lenient), []) for line in islice(file, _LOOKED_AT)]
    widest = max(map(len, rows), default=0)
    header = next((n for n, cells in enumerate(rows) if len(cells) == widest and all(cells)), 0)
    if widest < 2 or header == 0:
        return ""
    return f". If the header is in line {row + header}, declare header_row: {row + header}"


def _strict(dialect: Dialect) -> dict[str, Any]:
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, "strict": True}


def _check_rows(path: Path, facts: TextFacts, dialect: Dialect) -> int:
    """Read the file row by row, slowly and exactly; return the number of data rows.

    Raises ``ContractError`` for the first row that is ragged, open-ended or oversized.
    """
    width = len(facts.header)
    rows, start = -1, facts.header_row
    with facts.readable.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, **_strict(dialect))
        try:
            for row in reader:
                if row and len(row) != width:
                    raise ContractError(
                        f"{path}, line {start}: {len(row)} fields where the header has {width}; "
                        "a cut-off row, or a delimiter or quote that is not the declared one"
                        f"{_title_lines(facts.readable, dialect, facts.header_row)}"
                    )
                rows += bool(row) or width == 1
                start = reader.line_num + facts.header_row
        except csv.Error as error:
            what = f"breaks the declared dialect ({error})"
            if "unexpected end of data" in str(error):
                what = "a quote is opened and never closed"
            raise ContractError(f"{path}, line {start}: {what}") from error
    return rows
