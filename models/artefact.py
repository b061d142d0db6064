"""A model as native text and JSON: nothing in it can run, and no changed byte goes unseen."""

import hashlib
import json
import math
import re
from collections.abc import Mapping

import lightgbm as lgb

from features.errors import ModelError
from models.calibration import Calibration
from models.churn import ChurnModel
from models.spec import FeatureSpec

_BOOSTER = re.compile(r"booster_(0|[1-9][0-9]?)\.txt")
_JSON = ("calibration.json", "spec.json")
REFERENCE = "reference.json"
_THREADS = re.compile(r"^\[num_threads: .*\]\n", re.MULTILINE)
_NEXT = "Roll back to the last good version (stille rollback) or train again (stille train)."


def plain_booster(booster: lgb.Booster) -> lgb.Booster:
    """The booster as its stored text gives it back, without its training data.

    The number of threads is left out of the text: it changes no tree, and without it one
    thread and two give the same bytes.
    """
    return lgb.Booster(model_str=_THREADS.sub("", booster.model_to_string()))


def to_files(model: ChurnModel) -> dict[str, bytes]:
    """File name → content: ``booster_0.txt`` …, ``spec.json``, ``calibration.json``, UTF-8."""
    files = {
        f"booster_{number}.txt": booster.model_to_string().encode()
        for number, booster in enumerate(model.boosters)
    }
    numbers = {"slope": model.calibration.slope, "intercept": model.calibration.intercept}
    files["calibration.json"] = json.dumps(numbers).encode()
    files["spec.json"] = model.spec.to_json().encode()
    return files


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over the sorted names and contents, each preceded by its length."""
    total = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def model_from_files(files: Mapping[str, bytes], expected_digest: str) -> ChurnModel:
    """The model stored in ``files``, if they are exactly those whose digest was recorded.

    Names and digest are checked before anything is parsed: LightGBM's parser aborts the
    process on some damaged texts and loads others silently wrong.
    Raises ``ModelError`` on another digest, an unknown or absent file, or a misfit of parts.
    """
    boosters = _booster_names(files)
    if digest(files) != expected_digest:
        raise ModelError(
            f"The model's files do not match the digest {expected_digest[:12]}… recorded when it "
            f"was trained: they were changed or damaged since. {_NEXT}"
        )
    spec = FeatureSpec.from_json(files["spec.json"])
    calibration = _calibration(files["calibration.json"])
    return ChurnModel(tuple(_booster(files[name]) for name in boosters), calibration, spec)


def _booster_names(files: Mapping[str, bytes]) -> list[str]:
    boosters = sorted(name for name in files if name not in (*_JSON, REFERENCE))
    strange = [name for name in boosters if not _BOOSTER.fullmatch(name)]
    names = [f"booster_{number}.txt" for number in range(len(boosters))]
    absent = [name for name in (*_JSON, *names) if name not in files]
    if strange or absent or not names:
        raise ModelError(
            f"A model consists of booster_0.txt, booster_1.txt …, spec.json, calibration.json and "
            f"perhaps {REFERENCE}; unexpected: {', '.join(strange) or 'none'}; absent: "
            f"{', '.join(absent) or ('none' if names else 'booster_0.txt')}. {_NEXT}"
        )
    return names


def _booster(content: bytes) -> lgb.Booster:
    try:
        return lgb.Booster(model_str=content.decode())
    except (lgb.basic.LightGBMError, UnicodeDecodeError) as error:
        raise ModelError(f"A booster's text cannot be read ({error}). {_NEXT}") from error


def _calibration(content: bytes) -> Calibration:
    try:
        numbers = json.loads(content)
        slope, intercept = float(numbers["slope"]), float(numbers["intercept"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"calibration.json cannot be read ({error}). {_NEXT}") from error
    if not (math.isfinite(slope) and math.isfinite(intercept) and slope > 0):
        raise ModelError(f"calibration.json holds slope {slope}, intercept {intercept}. {_NEXT}")
    return Calibration(slope, intercept)
