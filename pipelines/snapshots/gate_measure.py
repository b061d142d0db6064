"""Gate measures: a figure with its band, and the tables that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.snapshots.facts import TableFacts

FEWEST_ROWS = 100
Tables = Mapping[str, TableFacts]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and the band it must lie in (inclusive; None is open; NaN never lies in it).

    ``detail`` says what a person needs beside the figure, such as the day it is of. ``own`` is a
    figure of the table alone: the same one, let through once, needs no second look.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    detail: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class PreviousTables:
    """Tables that were right, by what they are called: the snapshot before, or the champion's.

    Without a snapshot before, how many rows there are more says nothing (``growing``).
    """

    tables: Tables
    name: str = "the snapshot before"
    growing: bool = False


NO_PREVIOUS_TABLES = PreviousTables({})
