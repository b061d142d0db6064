"""Churn model: bagged gradient boosting, calibrated, with exact SHAP contributions."""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.errors import ModelError
from models.calibration.platt import Calibration
from models.competing_risks.model import Incidence
from models.dataset.array_types import Floats, Matrix, Texts
from models.dataset.feature_spec import FeatureSpec
from models.explain.shap_values import check_additive

_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class ChurnModel:
    """Boosters whose log-odds are averaged, their calibration and the features they read.

    ``incidence`` tells the outcomes by horizon, where they were learned too.
    Raises ``ModelError`` when there is no booster or one was trained on other features.
    """

    boosters: tuple[lgb.Booster, ...]
    calibration: Calibration
    spec: FeatureSpec
    incidence: Incidence | None = None

    def __post_init__(self) -> None:
        if not self.boosters:
            raise ModelError("The model has no booster. Train again: stille train.")
        for number, booster in enumerate(self.boosters):
            if tuple(booster.feature_name()) != self.spec.names:
                raise ModelError(
                    f"Booster {number} was trained on other features, or in another order, than "
                    "its spec.json names. Train again: stille train."
                )

    def raw(self, x: Matrix, threads: int = 2) -> Floats:
        """Mean log-odds over the boosters before calibration, float64, shape (n,).

        ``x`` is the encoded matrix of ``spec``, shape (n, f); raises ``ModelError`` otherwise.
        """
        if x.ndim != 2 or x.shape[1] != len(self.spec.columns):
            raise ModelError(
                f"The model reads {len(self.spec.columns)} columns but got a matrix of shape "
                f"{x.shape}. Encode it with the model's own spec."
            )
        if len(x) == 0:
            return np.empty(0)
        total = np.zeros(len(x))
        for booster in self.boosters:
            total += booster.predict(x, raw_score=True, num_threads=threads)
        return total / len(self.boosters)

    def probability(self, x: Matrix, product_line: Texts | None = None, threads: int = 2) -> Floats:
        """Calibrated probability of a voluntary notice in the label window, shape (n,).

        ``product_line`` (n,) is each row's; one that the calibration does not know, null, or
        None for all, is calibrated by the common line.
        """
        return self.calibration.apply(self.raw(x, threads), product_line)

    def contributions(
        self, x: Matrix, product_line: Texts | None = None, threads: int = 2
    ) -> Floats:
        """SHAP values in calibrated log-odds, float64, shape (n, f + 1).

        Path-dependent TreeSHAP, averaged over the boosters and scaled by the slope of the
        row's product line. The last column is the expected value with that line's intercept, so
        each row sums to its calibrated log-odds. Raises ``ModelError`` where it does not, by more
        than 1e-6.
        """
        out = np.zeros((len(x), len(self.spec.columns) + 1))
        for start in range(0, len(x), _BATCH):
            part = slice(start, start + _BATCH)
            for booster in self.boosters:
                out[part] += booster.predict(x[part], pred_contrib=True, num_threads=threads)
        slopes, intercepts = self.calibration.terms(product_line, len(x))
        out *= slopes[:, np.newaxis] / len(self.boosters)
        out[:, -1] += intercepts
        check_additive(out, self.calibration.log_odds(self.raw(x, threads), product_line))
        return out

    def probability_with(self, row: pd.DataFrame, values: Mapping[str, float]) -> float:
        """Calibrated probability of the one ``row`` (a matrix) once features take these ``values``.

        NaN stands for unknown. Raises ``KeyError`` for a feature that the model does not read.
        """
        x = self.spec.encode(row)
        for name, value in values.items():
            if name not in self.spec.names:
                raise KeyError(name)
            x[0, self.spec.names.index(name)] = np.float32(value)
        return float(self.probability(x, row["product_line"].to_numpy(dtype=object))[0])
