"""Local explanation: score, contributions by driver family, sentences and their source rows.

The score is computed again and must equal the published one, or nothing is explained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipelines.explanation.case import Case
from pipelines.explanation.customer_matrix import TableUse
from pipelines.explanation.evidence import SourceRow
from pipelines.lists.templates import Templates


@dataclass(frozen=True, slots=True)
class Figure:
    """A fact that a sentence rests on: its value, the words it is said in, the rows behind it.

    ``text`` is "" for a fact that decides which sentence is said and is no number in it.
    """

    fact: str
    value: Any
    text: str
    rows: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the list; ``contribution`` is its family's, null for a protective one."""

    slot: str
    driver: str
    contribution: float | None
    text: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One customer's score and why.

    ``base`` and ``families`` (contribution by driver family) add up to the log-odds of
    ``probability``, the calibrated one. ``row`` is the customer's of the matrix, scored;
    ``templates`` the sentences' language.
    """

    case: Case
    probability: float
    band: str
    base: float
    families: Mapping[str, float]
    sentences: tuple[Sentence, ...]
    row: pd.DataFrame
    used: tuple[TableUse, ...]
    templates: Templates
