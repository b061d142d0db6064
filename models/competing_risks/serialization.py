"""Serialization of the competing-risks model as native text and JSON."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import lightgbm as lgb
import numpy as np

from features.contract import OUTCOMES
from features.errors import ModelError
from models.boosters.fingerprint import probe_rows
from models.boosters.text_format import NEXT, parse_booster, read_splits, refuse_damage
from models.competing_risks.model import OTHER, PERIOD, Incidence
from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureColumn, FeatureSpec

INCIDENCE_JSON = "incidence.json"
_BOOSTER = re.compile(r"incidence_(0|[1-9][0-9]?)\.txt")
_PROBED, _TOLERANCE = 64, 1e-9
_PERIOD = FeatureColumn(PERIOD, "number", "", "", 0, "periods since the lead")


def incidence_names(names: Collection[str]) -> list[str]:
    """The boosters' names, in order, that as many files as there are must have."""
    count = sum(_BOOSTER.fullmatch(name) is not None for name in names)
    return [f"incidence_{number}.txt" for number in range(count)]


def incidence_files(model: Incidence) -> dict[str, bytes]:
    """File name → content: ``incidence_0.txt`` … and ``incidence.json``, UTF-8."""
    texts = [booster.model_to_string().encode() for booster in model.boosters]
    described = {
        "causes": model.causes,
        "pooled": model.pooled,
        "lead_days": model.lead_days,
        "baseline": model.baseline.tolist(),
        "level": model.level.tolist(),
        "probe": _scores(model.boosters, _probe_rows(texts, model)).tolist(),
    }
    boosters = {f"incidence_{number}.txt": text for number, text in enumerate(texts)}
    return boosters | {INCIDENCE_JSON: json.dumps(described).encode()}


def read_incidence(files: Mapping[str, bytes], spec: FeatureSpec) -> Callable[[], Incidence] | None:
    """What parses the outcomes by horizon that ``files`` hold; None without ``incidence.json``.

    Every tree is validated here, before LightGBM may see it. Raises ``ModelError`` for a
    description or a booster that is none, or that does not fit; so does parsing, where the
    boosters do not give the scores of the stored probe.
    """
    if INCIDENCE_JSON not in files:
        return None
    with refuse_damage(f"{INCIDENCE_JSON} or its boosters cannot be read"):
        stored = json.loads(files[INCIDENCE_JSON])
        causes, pooled = tuple(stored["causes"]), tuple(stored["pooled"])
        baseline, level = (np.array(stored[key], dtype=np.float64) for key in ("baseline", "level"))
        if not {*causes, *pooled} <= {*OUTCOMES, OTHER} or len(set(causes)) < len(causes):
            raise ValueError("an unknown or repeated cause")
        model = Incidence((), causes, pooled, baseline, level, int(stored["lead_days"]), spec)
        texts = [files[name] for name in incidence_names(files)]
        x, probe = _probe_rows(texts, model), np.array(stored["probe"], dtype=np.float64)
        if probe.shape != (len(texts), len(x), 1 + len(causes)):
            raise ValueError("a probe of other boosters")

    def parse() -> Incidence:
        boosters = tuple(parse_booster(text) for text in texts)
        if not np.allclose(_scores(boosters, x), probe, rtol=_TOLERANCE, atol=_TOLERANCE):
            raise ModelError(
                "The boosters of the outcomes by horizon do not give the scores that they gave "
                f"when they were trained. {NEXT}"
            )
        return replace(model, boosters=boosters)

    return parse


def _probe_rows(texts: list[bytes], model: Incidence) -> Matrix:
    """Rows on and beyond the boosters' own thresholds; nothing of a customer."""
    wide = FeatureSpec((*model.spec.columns, _PERIOD))
    if not texts:
        raise ValueError("no booster")
    classes = 1 + len(model.causes)
    splits = [s for text in texts for s in read_splits(text.decode(), wide.names, classes)]
    return probe_rows(splits, wide)[:_PROBED]


def _scores(boosters: tuple[lgb.Booster, ...], x: Matrix) -> Floats:
    """Raw scores, float64, shape (boosters, rows, classes)."""
    scores = [booster.predict(x, raw_score=True, num_threads=1) for booster in boosters]
    return np.array(scores, dtype=np.float64)
