"""The champion as an MLflow model (pyfunc).

Copied into the artefact as it stands, so it imports nothing of this project. Input: the encoded
matrix, one double per column of spec.json in its order, and perhaps a text column product_line.
Output: the probability, calibrated for the row's product line; by the common line without the
column, for null and for a product line that training did not see. The nightly run does not load
models this way.
"""

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class BaggedBoosters(PythonModel):
    """Mean log-odds of native LightGBM boosters, calibrated by the line of the product line."""

    def load_context(self, context: Any) -> None:
        """Read the boosters and the calibration from the artefact's folder."""
        folder = Path(context.artifacts["model"])
        self.boosters = [
            lightgbm.Booster(model_file=path) for path in sorted(folder.glob("booster_*.txt"))
        ]
        self.calibration = json.loads((folder / "calibration.json").read_text())

    # MLflow infers no signature from a frame's type hint, and does not warn of an absent one.
    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Probability per row, float64."""
        features = model_input.drop(columns="product_line", errors="ignore")
        matrix = np.asarray(features, dtype=np.float32)
        raw = np.mean([b.predict(matrix, raw_score=True) for b in self.boosters], axis=0)
        slopes, intercepts = (self._by_line(model_input, name) for name in ("slope", "intercept"))
        probability: np.ndarray = 1.0 / (1.0 + np.exp(-(intercepts + slopes * raw)))
        return probability

    def _by_line(self, model_input: pd.DataFrame, name: str) -> np.ndarray:
        numbers = np.full(len(model_input), self.calibration[name])
        if "product_line" in model_input.columns:
            for line, own in self.calibration["product_lines"].items():
                numbers[(model_input["product_line"] == line).to_numpy(dtype=bool)] = own[name]
        return numbers


set_model(BaggedBoosters())
