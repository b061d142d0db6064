"""One file or table of a source as SQL can read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.sources.csvfile import TextFacts


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source, ready to read. ``name`` is what messages call it.

    ``columns`` maps its column names to DuckDB types, ``expressions`` to SQL over ``relation``.
    ``row`` is SQL for the row's number: in text files as a spreadsheet counts (the header is
    row 1, blank lines are not counted), elsewhere from 1.
    """

    name: str
    path: Path
    columns: Mapping[str, str]
    expressions: Mapping[str, str]
    relation: str
    row: str
    text: TextFacts | None = None
