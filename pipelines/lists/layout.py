"""How a list is laid out for its readers: which files, their headers, and how many rows each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import yaml

from features.errors import ConfigError

EXCEL_ROWS = 1_048_575
"""Rows below the header that a worksheet holds (Microsoft, Excel specifications and limits)."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written; ``mark`` is a byte order mark."""

    ending: str
    separator: str = ","
    decimal: str = "."
    line: str = "\n"
    mark: bool = False


CRM = Dialect(".csv")
EXCEL = Dialect(".excel.csv", separator=";", decimal=",", line="\r\n", mark=True)
"""What Excel opens with a double click where the decimal sign is a comma."""


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


def load_titles(path: Path) -> Mapping[str, str]:
    """Each column's header; raises ``ConfigError`` unless the file maps names to unlike texts."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as titles ({type(error).__name__}).") from None
    if not isinstance(found, dict) or not all(
        isinstance(part, str) for pair in found.items() for part in pair
    ):
        raise ConfigError(f"{path}: must map each column's name to its title, both texts.")
    if len(set(found.values())) < len(found):
        raise ConfigError(f"{path}: two columns have the same title; each needs its own.")
    return MappingProxyType(found)
