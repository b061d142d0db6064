"""The champion as an MLflow model (pyfunc).

Copied into the artefact as it stands, so it imports nothing of this project. Input: a matrix as it
is, one column per column of spec.json, found by name, and perhaps a text column product_line.
Numbers may be whole, decimal or yes and no; categories are texts, and one that training did not see
counts as missing. Output: the probability, calibrated for the row's product line; by the common
line without the column, for null and for a product line that training did not see. The nightly run
does not load models this way.
"""

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

_NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty")
_KINDS = {"number": _NUMBERS, "category": ("string", "empty")}


class BaggedBoosters(PythonModel):
    """Mean log-odds of native LightGBM boosters, calibrated by the line of the product line."""

    def load_context(self, context: Any) -> None:
        """Read the boosters, the calibration and the spec from the artefact's folder."""
        folder = Path(context.artifacts["model"])
        self.boosters = [
            lightgbm.Booster(model_file=path) for path in sorted(folder.glob("booster_*.txt"))
        ]
        self.calibration = json.loads((folder / "calibration.json").read_text())
        self.columns = json.loads((folder / "spec.json").read_text())["columns"]

    # MLflow infers no signature from a frame's type hint, and does not warn of an absent one.
    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Probability per row, float64; ``MlflowException`` for a column of another kind."""
        matrix = np.column_stack([_encoded(model_input, column) for column in self.columns])
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


def _encoded(frame: pd.DataFrame, column: dict[str, Any]) -> np.ndarray:
    """A column as float32, (n,): null is NaN, a category its place in the vocabulary."""
    name, kind = column["name"], column["kind"]
    values = frame[name].astype(object)
    found = pd.api.types.infer_dtype(values, skipna=True)
    if found not in _KINDS[kind]:
        raise MlflowException.invalid_parameter_value(
            f"Column {name!r} holds {found} values, where the model was trained on a {kind}."
        )
    if kind == "category":
        values = values.map({word: code for code, word in enumerate(column["vocabulary"])})
    numbers: np.ndarray = values.where(values.notna(), np.nan).to_numpy(dtype=np.float32)
    return numbers


set_model(BaggedBoosters())
