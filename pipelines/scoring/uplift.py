"""Store of the accepted uplift model: booster text beside its digest.

Text and no pickle, so that a changed file cannot run code.
"""

import hashlib
import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.errors import ModelError
from models.boosters.text_format import plain_booster
from models.causal.uplift import UpliftModel
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.run import Run
from pipelines.runtime.atomic_files import replace_bytes, storage_errors
from pipelines.runtime.escaping import plain_json
from pipelines.runtime.run_record import RunRecord
from pipelines.scoring.scores import UPLIFT
from pipelines.tracking.booster_sandbox import check_boosters

_FACTS, _TEXT = "uplift.json", "uplift.txt"


def keep(folder: Path, model: UpliftModel, spec: FeatureSpec) -> None:
    """Write the model, its facts last; raises ``PublicationError`` when the disk refuses."""
    text = model.booster.model_to_string().encode()
    facts = {
        "digest": hashlib.sha256(text).hexdigest(),
        "feature_spec_hash": spec.hash,
        "alone": model.alone,
        "contacted": model.contacted,
    }
    with storage_errors(f"write {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FACTS).unlink(missing_ok=True)
        replace_bytes(folder / _TEXT, text)
        replace_bytes(folder / _FACTS, plain_json(facts))


def withdraw(folder: Path) -> None:
    """Use no model any more."""
    with storage_errors(f"remove {folder / _FACTS}"):
        (folder / _FACTS).unlink(missing_ok=True)


def model_digest(folder: Path) -> str:
    """What names the model that a night will find; empty without one."""
    with storage_errors(f"read {folder / _FACTS}"):
        try:
            return hashlib.sha256((folder / _FACTS).read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""


def read(folder: Path, spec: FeatureSpec, record: RunRecord) -> UpliftModel | None:
    """The model for matrices of ``spec``; None without one, or where it cannot be trusted.

    A damaged one, or one of other features, is noted in the record and risk ranks.
    """
    try:
        facts = json.loads((folder / _FACTS).read_bytes())
        text = (folder / _TEXT).read_bytes()
        if hashlib.sha256(text).hexdigest() != facts["digest"]:
            raise ModelError("its text is not the one that was accepted")
        if facts["feature_spec_hash"] != spec.hash:
            raise ModelError("the champion reads other features")
        check_boosters([text])
        booster = plain_booster(lgb.Booster(model_str=text.decode()))
        return UpliftModel(booster, float(facts["alone"]), float(facts["contacted"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ModelError) as error:
        said = str(error) if isinstance(error, ModelError) else type(error).__name__
        record.notes.append(f"the model of who responds is not used: {said}. Run: stille effect")
        return None


def with_effects(run: Run, spec: FeatureSpec, scored: pd.DataFrame) -> pd.DataFrame:
    """``scored`` (a matrix with probabilities), with ``UPLIFT`` where a model was accepted.

    ``UPLIFT`` is by how much contact lowers each one's chance of leaving; below 0 it raises it.
    """
    model = read(run.settings.paths.uplift, spec, run.record)
    if model is None:
        return scored
    run.record.notes.append("contacts are valued by who responds, as past lists have shown")
    p = scored["churn_probability"].to_numpy(dtype=np.float64)
    uplift = model.effect(spec.encode(scored), p, run.settings.engine.threads)
    return scored.assign(**{UPLIFT: uplift})
