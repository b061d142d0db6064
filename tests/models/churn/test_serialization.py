import json
from dataclasses import replace

import numpy as np
import pytest

from features.errors import ModelError
from models.calibration.platt import Calibration, Platt
from models.churn.model import ChurnModel
from models.churn.serialization import digest, model_from_files, to_files
from models.dataset.examples import Examples


def test_round_trip_scores_the_same(model: ChurnModel, later: Examples) -> None:
    files = to_files(model)
    assert sorted(files) == [
        "booster_0.txt",
        "booster_1.txt",
        "calibration.json",
        "probe.json",
        "spec.json",
    ]
    again = model_from_files(files, digest(files))
    assert to_files(again) == files
    assert again.spec == model.spec
    np.testing.assert_array_equal(again.probability(later.x), model.probability(later.x))
    np.testing.assert_array_equal(
        again.contributions(later.x[:50]), model.contributions(later.x[:50])
    )


def test_every_product_line_is_stored_and_under_the_digest(model: ChurnModel) -> None:
    lines = {"power": Platt(0.9, -0.25), "gas": Platt(1 / 3, 1e-17)}
    files = to_files(replace(model, calibration=Calibration(1.1, 0.1, lines)))
    assert json.loads(files["calibration.json"]) == {
        "slope": 1.1,
        "intercept": 0.1,
        "product_lines": {
            "gas": {"slope": 1 / 3, "intercept": 1e-17},
            "power": {"slope": 0.9, "intercept": -0.25},
        },
    }
    again = model_from_files(files, digest(files)).calibration
    assert (again.common, dict(again.product_lines)) == (Platt(1.1, 0.1), lines)
    turned = dict(reversed(lines.items()))
    assert to_files(replace(model, calibration=Calibration(1.1, 0.1, turned))) == files
    nearly = {**lines, "gas": Platt(1 / 3, 2e-17)}
    other = to_files(replace(model, calibration=Calibration(1.1, 0.1, nearly)))
    assert digest(other) != digest(files)
    assert {name for name in files if files[name] != other[name]} == {
        "calibration.json",
        "probe.json",
    }


def test_the_text_does_not_name_the_threads(model: ChurnModel) -> None:
    assert b"num_threads" not in to_files(model)["booster_0.txt"]
    assert b"[learning_rate: 0.05]" in to_files(model)["booster_0.txt"]


def test_digest_by_hand() -> None:
    one = digest({"a": b"bc", "d": b""})
    assert one == digest({"d": b"", "a": b"bc"})
    assert len({one, digest({"ab": b"c", "d": b""}), digest({"a": b"bc"}), digest({})}) == 4


@pytest.mark.promise("whole_model")
def test_a_changed_byte_never_loads(model: ChurnModel) -> None:
    files = to_files(model)
    expected = digest(files)
    rng = np.random.default_rng(0)
    for _ in range(60):
        name = sorted(files)[rng.integers(len(files))]
        content = bytearray(files[name])
        content[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        with pytest.raises(ModelError, match="do not match the digest"):
            model_from_files({**files, name: bytes(content)}, expected)


@pytest.mark.promise("whole_model")
def test_truncated_and_swapped_files_never_load(model: ChurnModel) -> None:
    files = to_files(model)
    expected = digest(files)
    cut = {**files, "booster_0.txt": files["booster_0.txt"][:-1]}
    swapped = {**files, "booster_0.txt": files["booster_1.txt"]}
    for changed in (cut, swapped):
        with pytest.raises(ModelError, match="digest"):
            model_from_files(changed, expected)


@pytest.mark.promise("no_code")
@pytest.mark.fault(36)
@pytest.mark.parametrize(
    "name", ["model.pkl", "../booster_2.txt", "booster_02.txt", "booster_3.txt", "BOOSTER_2.txt"]
)
def test_other_names_are_refused_even_with_their_digest(model: ChurnModel, name: str) -> None:
    files = {**to_files(model), name: b"x"}
    with pytest.raises(ModelError, match=r"unexpected: .*absent: "):
        model_from_files(files, digest(files))


@pytest.mark.parametrize("name", ["spec.json", "calibration.json", "booster_0.txt"])
def test_an_absent_file_is_named(model: ChurnModel, name: str) -> None:
    files = {key: content for key, content in to_files(model).items() if key != name}
    with pytest.raises(ModelError, match=f"absent: .*{name}"):
        model_from_files(files, digest(files))


def test_a_model_without_boosters_is_refused(model: ChurnModel) -> None:
    files = {k: v for k, v in to_files(model).items() if not k.startswith("booster")}
    with pytest.raises(ModelError, match=r"absent: booster_0\.txt"):
        model_from_files(files, digest(files))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"slope": 1}',
        b'{"slope": 1, "intercept": 0}',
        b'{"slope": NaN, "intercept": 0, "product_lines": {}}',
        b'{"slope": -1, "intercept": 0, "product_lines": {}}',
        b'{"slope": 1, "intercept": 0, "product_lines": []}',
        b'{"slope": 1, "intercept": 0, "product_lines": {"gas": 1}}',
        b'{"slope": 1, "intercept": 0, "product_lines": {"gas": {"slope": 0, "intercept": 0}}}',
    ],
)
def test_a_calibration_that_is_none_is_refused(model: ChurnModel, content: bytes) -> None:
    files = {**to_files(model), "calibration.json": content}
    with pytest.raises(ModelError, match=r"calibration\.json"):
        model_from_files(files, digest(files))


def test_a_spec_of_other_features_is_refused(model: ChurnModel) -> None:
    files = to_files(model)
    spec = json.loads(files["spec.json"])
    spec["columns"] = spec["columns"][::-1]
    files["spec.json"] = json.dumps(spec).encode()
    with pytest.raises(ModelError, match="trained on other features"):
        model_from_files(files, digest(files))


@pytest.mark.parametrize("content", [b"\xff\xfe", b""])
def test_a_text_that_is_no_booster_is_refused(model: ChurnModel, content: bytes) -> None:
    files = {**to_files(model), "booster_0.txt": content}
    with pytest.raises(ModelError):
        model_from_files(files, digest(files))
