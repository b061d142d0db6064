"""The champion as an MLflow model: copied into the artefact as it stands, so it imports nothing
of this project. Input: the encoded matrix, one double per column of spec.json in its order.
Output: the calibrated probability. The nightly run does not load models this way."""

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class BaggedBoosters(PythonModel):
    """Mean log-odds of native LightGBM boosters, calibrated by slope and intercept."""

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
        matrix = np.asarray(model_input, dtype=np.float32)
        raw = np.mean([b.predict(matrix, raw_score=True) for b in self.boosters], axis=0)
        log_odds = self.calibration["slope"] * raw + self.calibration["intercept"]
        probability: np.ndarray = 1.0 / (1.0 + np.exp(-log_odds))
        return probability


set_model(BaggedBoosters())
