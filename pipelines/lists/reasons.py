"""Reason sentences: a driver and a customer's own facts, rendered from templates.

The first template whose facts are all known is used, so a sentence never has a gap.
"""

import numpy as np
import pandas as pd

from pipelines.lists.templates import FACTS, LONGEST, Direction, Placeholder, Templates, Variant
from pipelines.lists.wording import words


def sentences(
    drivers: pd.Series,
    facts: pd.DataFrame,
    templates: Templates,
    currency: str,
    direction: Direction,
) -> pd.Series:
    """One sentence of at most 140 characters per row, null where there is no driver.

    ``drivers``: driver codes or null. ``facts``: columns named as in ``FACTS``, same index; a
    column that is missing counts as null. The first variant whose facts are all known and within
    their bounds is used. Text facts come out as they are: escape them when writing CSV.
    Raises ``KeyError`` for a code without sentences.
    """
    text = pd.Series(pd.NA, index=drivers.index, dtype="str")
    for driver in drivers.dropna().unique():
        open_rows = (drivers == driver).fillna(value=False).to_numpy(dtype=bool)
        for variant in templates.variants[driver, direction]:
            rows = open_rows & _applies(variant, facts)
            if rows.any():
                text.loc[rows] = _fill(variant, facts.loc[rows], templates, currency).array
            open_rows = open_rows & ~rows
    return text.where(text.str.len() <= LONGEST, text.str.slice(0, LONGEST - 1) + "…")


def variant_of(
    drivers: pd.Series, facts: pd.DataFrame, templates: Templates, direction: Direction
) -> list[Variant]:
    """The variant in which ``sentences`` says each row, none of whose drivers is null."""
    return [
        next(v for v in templates.variants[driver, direction] if _applies(v, facts.iloc[[row]])[0])
        for row, driver in enumerate(drivers)
    ]


def _applies(variant: Variant, facts: pd.DataFrame) -> np.ndarray:
    rows = np.ones(len(facts), dtype=bool)
    for fact in variant.facts:
        if fact not in facts.columns:
            return np.zeros(len(facts), dtype=bool)
        if FACTS[fact] == "date":
            rows &= facts[fact].notna().to_numpy()
        elif FACTS[fact] == "text":
            rows &= facts[fact].fillna("").ne("").to_numpy(dtype=bool)
        else:
            low, high = variant.when.get(fact, (None, None))
            figures = facts[fact].to_numpy(dtype="float64", na_value=np.nan)
            rows &= np.isfinite(figures)
            rows &= figures >= (-np.inf if low is None else low)
            rows &= figures <= (np.inf if high is None else high)
    return rows


def _fill(variant: Variant, facts: pd.DataFrame, templates: Templates, currency: str) -> pd.Series:
    text = pd.Series("", index=facts.index, dtype="str")
    for piece in variant.pieces:
        if isinstance(piece, Placeholder):
            kind = FACTS[piece.fact]
            values = facts[piece.fact]
            text = text + words(values, piece.fact, kind, piece.form, templates.style, currency)
        else:
            text = text + piece
    return text
