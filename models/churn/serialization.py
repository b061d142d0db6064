"""Serialization of a churn model as native text and JSON, read back by digest.

Nothing in it can run, and no changed byte goes unseen.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace

from pydantic import TypeAdapter

from features.errors import ModelError
from models.boosters import fingerprint
from models.boosters.text_format import NEXT, Splits, parse_booster, read_splits, refuse_damage
from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.competing_risks import model as outcomes
from models.competing_risks.model import INCIDENCE_JSON, incidence_names
from models.dataset.feature_spec import FeatureSpec

_BOOSTER = re.compile(r"booster_(0|[1-9][0-9]?)\.txt")
_JSON = ("calibration.json", "probe.json", "spec.json")
_PROBED_FILES = ("calibration.json", "spec.json")
_MOST_BYTES = {
    "calibration.json": 1 << 20,
    "probe.json": 8 << 20,
    "spec.json": 16 << 20,
    "reference.json": 64 << 20,
    INCIDENCE_JSON: 8 << 20,
}
_MOST_BOOSTER_BYTES = 64 << 20
_MOST_ALL_BYTES = 512 << 20
REFERENCE = "reference.json"
_CALIBRATION = TypeAdapter(Calibration)


def to_files(model: ChurnModel) -> dict[str, bytes]:
    """File name → content: ``booster_0.txt`` …, and three JSON files, UTF-8.

    ``probe.json`` holds scores of the model in memory, so that damage done before the digest
    was taken shows too. With outcomes by horizon also ``incidence_0.txt`` … and
    ``incidence.json``, which holds its own probe.
    """
    texts = [booster.model_to_string() for booster in model.boosters]
    files = {f"booster_{number}.txt": text.encode() for number, text in enumerate(texts)}
    lines = dict(sorted(model.calibration.product_lines.items()))
    calibration = asdict(replace(model.calibration, product_lines=lines))
    files["calibration.json"] = json.dumps(calibration).encode()
    files["spec.json"] = model.spec.to_json().encode()
    splits = [split for text in texts for split in read_splits(text, model.spec.names)]
    x = fingerprint.probe_rows(splits, model.spec)
    scores = fingerprint.probe(model.boosters, x)
    files["probe.json"] = fingerprint.to_json(scores, {name: files[name] for name in _PROBED_FILES})
    return files | (outcomes.incidence_files(model.incidence) if model.incidence else {})


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over the sorted names and contents, each preceded by its length."""
    total = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return total.hexdigest()


def check_names(names: Collection[str]) -> list[str]:
    """The boosters' names in order, if these are exactly the names of a model's files.

    Raises ``ModelError`` otherwise.
    """
    ends = {INCIDENCE_JSON, *incidence_names(names)} if INCIDENCE_JSON in names else set()
    others = sorted(set(names) - {*_JSON, REFERENCE} - ends)
    strange = [name for name in others if not _BOOSTER.fullmatch(name)]
    boosters = [f"booster_{number}.txt" for number in range(len(others))]
    absent = [name for name in (*_JSON, *boosters) if name not in names]
    if strange or absent or not boosters:
        raise ModelError(
            f"A model consists of booster_0.txt, booster_1.txt …, {', '.join(_JSON)} and perhaps "
            f"{REFERENCE}, and {INCIDENCE_JSON} with incidence_0.txt …; "
            f"unexpected: {', '.join(map(ascii, strange)) or 'none'}; absent: "
            f"{', '.join(absent) or ('none' if boosters else 'booster_0.txt')}. {NEXT}"
        )
    return boosters


def check_sizes(sizes: Mapping[str, int]) -> None:
    """Raise ``ModelError`` when a file, or all together, is larger than any model's."""
    for name, size in sizes.items():
        most = _MOST_BYTES.get(name, _MOST_BOOSTER_BYTES)
        if size > most:
            raise ModelError(f"{name} of the model has {size:,} bytes, at most {most:,}. {NEXT}")
    if sum(sizes.values()) > _MOST_ALL_BYTES:
        raise ModelError(f"The model has more than {_MOST_ALL_BYTES:,} bytes. {NEXT}")


def model_from_files(
    files: Mapping[str, bytes],
    expected_digest: str,
    parse_elsewhere: Callable[[Sequence[bytes]], None] = lambda _: None,
) -> ChurnModel:
    """The model stored in ``files``, if they are exactly those whose digest was recorded.

    Names, sizes and digest are checked before anything is parsed, and every tree before
    LightGBM sees it: its parser aborts the process on some damaged texts and loads others
    silently wrong. ``parse_elsewhere`` is given the boosters' texts then, to try the parser
    where it can do no harm; it raises ``ModelError`` when that fails. Last, the boosters must
    give the stored probe's scores.
    Raises ``ModelError`` on another digest, an unknown or absent file, or a misfit of parts.
    """
    boosters = check_names(files)
    check_sizes({name: len(content) for name, content in files.items()})
    if digest(files) != expected_digest:
        raise ModelError(
            f"The model's files do not match the digest {expected_digest[:12]}… recorded when it "
            f"was trained: they were changed or damaged since. {NEXT}"
        )
    spec = FeatureSpec.from_json(files["spec.json"])
    with refuse_damage("calibration.json cannot be read"):
        calibration = _CALIBRATION.validate_json(files["calibration.json"])
        if json.loads(files["calibration.json"]) != asdict(calibration):
            raise ValueError("it lacks a slope, an intercept or the product lines")
    splits: list[Splits] = []
    for name in boosters:
        with refuse_damage(f"{name} is no booster of this model"):
            splits += read_splits(files[name].decode(), spec.names)
    parse_incidence = outcomes.read_incidence(files, spec)
    parse_elsewhere([files[name] for name in (*boosters, *incidence_names(files))])
    incidence = parse_incidence() if parse_incidence else None
    parsed = tuple(parse_booster(files[name]) for name in boosters)
    model = ChurnModel(parsed, calibration, spec, incidence)
    _check_probe(model, splits, files)
    return model


def _check_probe(model: ChurnModel, splits: Sequence[Splits], files: Mapping[str, bytes]) -> None:
    scores = fingerprint.probe(model.boosters, fingerprint.probe_rows(splits, model.spec))
    beside = {name: files[name] for name in _PROBED_FILES}
    with refuse_damage("probe.json cannot be read"):
        same = fingerprint.agrees(files["probe.json"], scores, beside)
    if not same:
        raise ModelError(
            "The files do not give the scores that the model gave when it was trained: they were "
            f"damaged before their digest was taken. {NEXT}"
        )
