"""Store of the uplift model that nights use: booster text beside its digest and its facts.

Text and no pickle, so that a changed file cannot run code. A model tells nothing of customers whom
its trial had no place for.
"""

import hashlib
from datetime import date
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.errors import ModelError
from models.boosters.text_format import plain_booster
from models.causal.sleeping_dogs import asleep
from models.causal.uplift import UpliftModel
from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.measurement import opened_json, sealed_json
from pipelines.runtime.atomic_files import replace_bytes, storage_errors
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking.booster_sandbox import check_boosters

_FACTS, _TEXT = "uplift.json", "uplift.txt"
_NUMBERS = ("saved", "woken", "weight")


def keep(folder: Path, model: UpliftModel, spec: FeatureSpec) -> None:
    """Write the model, its facts last; raises ``PublicationError`` when the disk refuses."""
    text = model.booster.model_to_string().encode()
    facts = {
        "digest": hashlib.sha256(text).hexdigest(),
        "feature_spec_hash": spec.hash,
        **{name: getattr(model, name) for name in (*_NUMBERS, "ranges", "asleep_days")},
    }
    with storage_errors(f"write {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FACTS).unlink(missing_ok=True)
        replace_bytes(folder / _TEXT, text)
        replace_bytes(folder / _FACTS, sealed_json(facts))


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

    One that is damaged, of other features or of an earlier version is noted in the record, and
    risk ranks.
    """
    try:
        facts = opened_json((folder / _FACTS).read_bytes())
        text = (folder / _TEXT).read_bytes()
        if hashlib.sha256(text).hexdigest() != facts["digest"]:
            raise ModelError("its text is not the one that was accepted")
        if facts["feature_spec_hash"] != spec.hash:
            raise ModelError("the champion reads other features")
        check_boosters([text])
        booster = plain_booster(lgb.Booster(model_str=text.decode()))
        ranges = {line: (float(low), float(high)) for line, (low, high) in facts["ranges"].items()}
        saved, woken, weight = (float(facts[name]) for name in _NUMBERS)
        days = facts["asleep_days"] and int(facts["asleep_days"])
        return UpliftModel(booster, saved, woken, weight, ranges, days)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModelError) as error:
        said = str(error) if isinstance(error, ModelError) else "its facts are not today's"
        record.notes.append(f"the model of who responds is not used: {said}. Run: stille effect")
        return None


def effects(
    model: UpliftModel, x: Matrix, scored: pd.DataFrame, as_of: date, threads: int
) -> Floats:
    """By how much contact lowers each one's chance of leaving, (n,); below 0 it raises it.

    ``scored`` are rows of a matrix with probabilities and facts, encoded as ``x``. NaN where the
    trial had nobody alike, as asleep or of such a risk: there the rule stands.
    """
    p = scored["churn_probability"].to_numpy(dtype=np.float64)
    effect = model.effect(x, p, scored["product_line"].to_numpy(dtype=object), threads)
    effect[asleep(scored, as_of, model.asleep_days)] = np.nan
    return effect


def note_effects(record: RunRecord, effect: "pd.Series[float]") -> None:
    """Say in the record whose contacts are valued by who responds."""
    record.notes.append(
        f"contacts with {effect.notna().sum():,} of {len(effect):,} customers are valued by who "
        "responds, as past lists have shown; nobody like the others was on them"
    )
