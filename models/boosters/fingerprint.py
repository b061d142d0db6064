"""Model fingerprint: scores before storage, with which a damaged model is found.

The rows are made up from the boosters' own thresholds, so nothing of a customer is in them and
they reach most leaves.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from models.boosters.text_format import Splits
from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureSpec

_ROWS = 512
_EXPLAINED = 16
_TOLERANCE = 1e-9
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


def probe_rows(splits: Sequence[Splits], spec: FeatureSpec) -> Matrix:
    """512 rows, float32: each value on, or just beyond, a threshold of its feature, or missing."""
    feature, threshold = map(np.concatenate, zip(*splits, strict=True))
    out = np.full((_ROWS, len(spec.columns)), np.nan, dtype=np.float32, order="F")
    for position, column in enumerate(spec.columns):
        points = np.unique(threshold[(feature == position) & np.isfinite(threshold)])
        if column.kind == "category":
            points = np.arange(len(column.vocabulary), dtype=np.float64)
        if len(points):
            values = np.r_[points, points[-1] + abs(points[-1]) + 1, np.nan]
            out[:, position] = values[_hash(position) % np.uint64(len(values))]
    return out


def probe(boosters: Sequence[lgb.Booster], x: Matrix) -> Floats:
    """Each booster's log-odds on ``x`` and the weight of its contributions, (b, n + 16)."""
    scores = []
    for booster in boosters:
        raw = booster.predict(x, raw_score=True, num_threads=1)
        shap = np.asarray(booster.predict(x[:_EXPLAINED], pred_contrib=True, num_threads=1))
        weights = 1.0 + np.arange(shap.shape[1])
        scores.append(np.concatenate([raw, shap @ weights]))
    return np.array(scores, dtype=np.float64)


def to_json(scores: Floats, files: Mapping[str, bytes]) -> bytes:
    """The probe as JSON, exact, with the SHA-256 of ``files``, those beside the boosters."""
    return json.dumps({"scores": scores.tolist(), "beside": _digests(files)}).encode()


def agrees(content: bytes, scores: Floats, files: Mapping[str, bytes]) -> bool:
    """Whether a stored probe is that of the boosters that were read and the files beside them.

    Raises ``ValueError``, ``KeyError`` or ``TypeError`` when it is not a probe.
    """
    stored = json.loads(content)
    before = np.array(stored["scores"], dtype=np.float64)
    same = before.shape == scores.shape and stored["beside"] == _digests(files)
    return same and np.allclose(before, scores, rtol=_TOLERANCE, atol=_TOLERANCE)


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def _hash(column: int) -> NDArray[np.uint64]:
    """One whole number a row that looks random but is the same on every machine."""
    rows = np.arange(1, _ROWS + 1, dtype=np.uint64)
    bits = rows * _MIX[0] + np.array([column + 1], dtype=np.uint64) * _MIX[1]
    for shift in (30, 27):
        bits = (bits ^ (bits >> np.uint64(shift))) * _MIX[1]
    return np.asarray(bits ^ (bits >> np.uint64(31)), dtype=np.uint64)
