"""Labelled examples and event histories, sorted by customer and as-of date.

One order makes a model's bytes independent of the input's order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.dataset.array_types import Days, Floats, Labels, Mask, Matrix, RowTable, Texts, rows_of
from models.dataset.exposure import by_customer_and_date
from models.dataset.feature_spec import FeatureColumn, FeatureSpec

MARGIN, ASLEEP = "margin_per_year", "asleep"


@dataclass(frozen=True, slots=True)
class Examples(RowTable):
    """Matrix rows with labels, sorted by (customer_id, as_of).

    ``x`` is float32 in Fortran order, shape (n, f), as ``spec`` encodes it; the others have
    shape (n,): ``as_of`` datetime64[D], ``y`` int8 with 1 for a voluntary notice in the label
    window and 0 for none, ``margin`` what the customer leaves a year in minor units of money (NaN
    where it is not known) and ``asleep`` whom contact may wake, which value a list and are no
    inputs of a model. Censored rows and competing outcomes are not examples.
    """

    customer_id: Texts
    as_of: Days
    product_line: Texts
    x: Matrix
    y: Labels
    spec: FeatureSpec
    margin: Floats
    asleep: Mask

    @property
    def single_date(self) -> bool:
        """Whether all rows have the same as-of date."""
        return len(np.unique(self.as_of)) == 1

    def part(self, keep: Callable[[FeatureColumn], bool]) -> "Examples | None":
        """The same rows with the selected columns only; None when none is selected."""
        positions = [i for i, column in enumerate(self.spec.columns) if keep(column)]
        if not positions:
            return None
        spec = FeatureSpec(tuple(self.spec.columns[i] for i in positions))
        return replace(self, x=np.asfortranarray(self.x[:, positions]), spec=spec)

    @staticmethod
    def build(frame: pd.DataFrame, spec: FeatureSpec, labels: "pd.Series[int]") -> "Examples":
        """Encode and sort the rows of ``frame`` (customer_id, as_of, product_line, features).

        A column ``margin_per_year`` gives the margins, without it they are not known; ``asleep``
        those whom contact may wake, without it nobody.
        ``labels`` runs parallel to ``frame``'s rows (by position) and holds only 0 and 1.
        Raises ``ModelError`` on another label, a missing key, or a customer twice on one date.
        """
        customer = frame["customer_id"].to_numpy(dtype=object)
        as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
        y = labels.to_numpy()
        _check(frame, as_of, y)
        margin: pd.Series[Any] = frame.get(MARGIN, pd.Series(np.nan, frame.index))
        asleep: pd.Series[Any] = frame.get(ASLEEP, pd.Series(False, frame.index))
        order = by_customer_and_date(frame)
        return Examples(
            customer[order],
            as_of[order],
            frame["product_line"].to_numpy(dtype=object)[order],
            rows_of(spec.encode(frame), order),
            y[order].astype(np.int8),
            spec,
            margin.to_numpy(dtype="float64", na_value=np.nan)[order],
            asleep.to_numpy(dtype=bool)[order],
        )


def _check(frame: pd.DataFrame, as_of: Days, y: np.ndarray) -> None:
    if len(y) != len(frame):
        raise ModelError(f"{len(frame)} matrix rows came with {len(y)} labels.")
    if frame["customer_id"].isna().any() or np.isnat(as_of).any():
        raise ModelError("A matrix row has no customer_id or no as_of date. Compute it again.")
    if not np.isin(y, (0, 1)).all():
        raise ModelError("A label is neither 0 nor 1; censored rows must be left out.")
    repeated = frame.duplicated(["customer_id", "as_of"]).to_numpy(dtype=bool)
    if repeated.any():
        raise ModelError(
            f"{int(repeated.sum())} matrix rows repeat a customer and as-of date, the first on "
            f"{as_of[repeated].min()}. Compute the matrix again from one snapshot."
        )
