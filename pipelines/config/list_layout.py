"""File formats of a list: CSV dialects, header titles, rows per file.

Values only, as the configuration chooses them and the writers follow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

EXCEL_ROWS = 1_048_575


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one list beside its Parquet twin, in one language.

    ``titles`` gives the header of each column in ``excel`` and ``xlsx`` files.
    """

    crm: bool = True
    excel: bool = False
    xlsx: bool = False
    rows_per_file: int = 1_000_000
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class CsvStyle:
    """How a CSV file is written; ``mark`` is a byte order mark."""

    ending: str
    separator: str = ","
    decimal: str = "."
    line: str = "\n"
    mark: bool = False


CRM = CsvStyle(".csv")

EXCEL = CsvStyle(".excel.csv", separator=";", decimal=",", line="\r\n", mark=True)
