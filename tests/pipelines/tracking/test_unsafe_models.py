"""A stored model is only ever text and numbers: nothing in it runs, nothing damaged scores."""

import os
import re
from collections import Counter
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from features.errors import ModelError
from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.churn.serialization import digest, model_from_files, to_files
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from pipelines.tracking import booster_sandbox
from pipelines.tracking.booster_sandbox import check_boosters
from pipelines.tracking.files import read_folder

SPEC = FeatureSpec(
    (
        FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
        FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
        FeatureColumn("channel", "category", "profile", "channel", 0, "any(x)", ("a", "b", "c")),
    )
)


def drawn(rows, seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=(rows, 2)), rng.integers(0, 3, rows)])
    x[rng.random(rows) < 0.2, 1] = np.nan
    return x.astype("float32")


@pytest.fixture(scope="module")
def files():
    x = drawn(800, 1)
    y = (x[:, 0] + np.nan_to_num(x[:, 1]) + (x[:, 2] == 1) > 0.5).astype(int)
    data = lgb.Dataset(x, y, feature_name=list(SPEC.names), categorical_feature=[2])
    params = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_per_group": 20}
    boosters = tuple(lgb.train({**params, "seed": seed}, data, 12) for seed in (1, 2))
    plain = tuple(
        lgb.Booster(model_str=re.sub(r"\[num_threads: .*\]\n", "", b.model_to_string()))
        for b in boosters
    )
    return to_files(ChurnModel(plain, Calibration(0.9, -0.1), SPEC))


@pytest.fixture
def folder(files, tmp_path):
    made = tmp_path / "model"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return made


def load(folder):
    """As a night does, with a registry that says what the files' digest is now."""
    found = read_folder(folder)
    return model_from_files(found, digest(found), check_boosters)


def payload(marker):
    # Protocol 0 by hand, so that no test imports what the project bans.
    return f"cos\nmkdir\n(V{marker}\ntR.".encode()


def edited(pattern, replacement, name="booster_0.txt"):
    def edit(folder, _):
        text = (folder / name).read_text()
        changed = re.sub(pattern, replacement, text, count=1, flags=re.MULTILINE)
        assert changed != text
        (folder / name).write_text(changed)

    return edit


def put(name, content):
    return lambda folder, marker: (folder / name).write_bytes(
        content(marker) if callable(content) else content
    )


def linked_file(folder, _):
    (folder / "booster_0.txt").rename(folder.parent / "elsewhere.txt")
    (folder / "booster_0.txt").symlink_to(folder.parent / "elsewhere.txt")


def linked_folder(folder, _):
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def endless_device(folder, _):
    (folder / "booster_0.txt").unlink()
    (folder / "booster_0.txt").symlink_to("/dev/zero")


def pipe(folder, _):
    (folder / "booster_0.txt").unlink()
    os.mkfifo(folder / "booster_0.txt")


def subfolder(folder, _):
    (folder / "booster_2.txt").mkdir()


def giant(folder, _):
    os.truncate(folder / "booster_0.txt", (64 << 20) + 1)


def yaml_tag(marker):
    return f"!!python/object/apply:os.mkdir ['{marker}']".encode()


ATTACKS = {
    "a pickle beside the files": put("model.pkl", payload),
    "MLflow's pickle": put("python_model.pkl", payload),
    "a loader of its own": put("MLmodel", b"flavors: {python_function: {loader_module: os}}"),
    "a pickle as a booster": put("booster_0.txt", payload),
    "a pickle as a spec": put("spec.json", payload),
    "a pickle as a calibration": put("calibration.json", payload),
    "a YAML tag": put("calibration.json", yaml_tag),
    "a YAML tag in the probe": put("probe.json", yaml_tag),
    "code as a calibration": put(
        "calibration.json", lambda m: f'__import__("os").mkdir("{m}")'.encode()
    ),
    "a linked file": linked_file,
    "a linked folder": linked_folder,
    "an endless device": endless_device,
    "a pipe": pipe,
    "a folder as a file": subfolder,
    "a giant": giant,
    "a compressed text": put("booster_0.txt", b"\x1f\x8b\x08" + bytes(100)),
    "not UTF-8": put("booster_1.txt", b"tree\nversion=v4\xff\xfe"),
    "deep JSON": put("calibration.json", b"[" * 100_000),
    "a deep spec": put("spec.json", b'{"columns":' + b"[" * 100_000),
    "a deep probe": put("probe.json", b"[" * 100_000),
    "a number too large": put("calibration.json", b'{"slope": 1e999, "intercept": 0}'),
    "trees without end": edited(r"^tree_sizes=.*$", "tree_sizes=" + "9 " * 30_000),
    "a tree that is too long": edited(r"^tree_sizes=\d+", "tree_sizes=999999999"),
    "a negative size": edited(r"^tree_sizes=\d+", "tree_sizes=-5"),
    "leaves without end": edited(r"^num_leaves=\d+", "num_leaves=999999999"),
    "a leaf that is no number": edited(r"^leaf_value=\S+", "leaf_value=nan"),
    "an infinite leaf": edited(r"^leaf_value=\S+", "leaf_value=inf"),
    "another feature count": edited(r"^max_feature_idx=\d+", "max_feature_idx=99999999"),
    "a feature out of bounds": edited(r"^split_feature=\d+", "split_feature=7"),
    "a child out of bounds": edited(r"^left_child=\S+", "left_child=888888"),
    "a tree that bites its tail": edited(r"^left_child=\S+", "left_child=0"),
    "categories out of bounds": edited(r"^cat_boundaries=.*$", "cat_boundaries=0 99999999"),
    "another objective": edited(r"^objective=.*$", "objective=regression"),
    "another slope": edited(r"0\.9", "0.8", "calibration.json"),
    "another driver": edited("bill_shock", "bill_chock", "spec.json"),
}


@pytest.mark.promise("no_code")
@pytest.mark.fault(36)
@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_runs_or_loads(folder, tmp_path, name):
    marker = tmp_path / "marker"
    ATTACKS[name](folder, marker)
    with pytest.raises(ModelError) as refused:
        load(folder)
    assert refused.value.exit_code == 4
    assert "stille train" in str(refused.value) or "stille rollback" in str(refused.value)
    assert not marker.exists()


def test_what_is_whole_loads(folder, files):
    assert to_files(load(folder)) == files


def mutated(files, rng):
    name = sorted(files)[rng.integers(len(files))]
    content = bytearray(files[name])
    content[rng.integers(len(content))] ^= int(rng.integers(1, 256))
    return {**files, name: bytes(content)}


REFUSALS = {
    "do not match the digest",
    "is no booster of this model",
    "cannot be read",
    "is not a feature spec",
    "feature spec cannot hold",
    "holds slope",
    "damaged before their digest",
}


def outcome(files, damaged, expected):
    """Why a damaged model was refused; if it was not, it must score and explain as before."""
    try:
        model = model_from_files(damaged, expected, check_boosters)
    except ModelError as error:
        return next(said for said in REFUSALS if said in str(error))
    whole, x = model_from_files(files, digest(files)), drawn(2_000, 9)
    np.testing.assert_array_equal(model.probability(x), whole.probability(x))
    np.testing.assert_array_equal(model.contributions(x), whole.contributions(x))
    return "harmless"


@pytest.mark.promise("whole_model")
@pytest.mark.parametrize(
    "mutations", [20, pytest.param(250, marks=pytest.mark.proof)], ids=["few", "many"]
)
def test_a_changed_byte_never_scores_silently(files, mutations, record_property):
    rng = np.random.default_rng(mutations)
    kept = Counter(outcome(files, mutated(files, rng), digest(files)) for _ in range(mutations))
    assert kept["harmless"] == 0
    rewritten = Counter[str]()
    for _ in range(mutations):
        damaged = mutated(files, rng)
        rewritten[outcome(files, damaged, digest(damaged))] += 1
    assert rewritten.total() == mutations
    record_property("flipped bytes: stored model", [2 * mutations, 2 * mutations])
    print(f"digest not updated: all refused; updated: {dict(rewritten)}")


CHILDREN = {
    "crashes": ("import os; os.abort()", "ended with code -6"),
    "raises": ("raise ValueError", "ended with code 1"),
    "says nothing": ("", "read another model"),
    "says another text": ("print('0' * 64)", "read another model"),
    "hangs": ("while True: pass", "still reading"),
}


@pytest.mark.promise("whole_model")
@pytest.mark.fault(45)
@pytest.mark.parametrize("how", CHILDREN)
def test_a_parser_that_fails_takes_nothing_down(files, tmp_path, monkeypatch, how):
    code, said = CHILDREN[how]
    child = tmp_path / "child.py"
    child.write_text(code)
    monkeypatch.setattr(booster_sandbox, "_CHILD", child)
    if how == "hangs":
        monkeypatch.setattr(booster_sandbox, "_SECONDS", 0.2)
    with pytest.raises(ModelError, match=said):
        check_boosters([files["booster_0.txt"]])


@pytest.mark.parametrize("text", [b"", b"tree\n", b"tree\nversion=v4\ntree_sizes=1\n\nTree=0\n"])
def test_the_parser_itself_refuses_in_its_own_process(text):
    with pytest.raises(ModelError, match="tried in a process of its own"):
        check_boosters([text])


def test_the_trial_has_bounds_where_the_system_has_them(tmp_path):
    resource = pytest.importorskip("resource")
    code = Path(booster_sandbox._CHILD).read_text().replace("    main()\n", "    told()\n")
    told = "def told():\n    import resource as r\n    print(r.getrlimit(r.RLIMIT_AS)[0])\n\n\n"
    child = tmp_path / "child.py"
    child.write_text(
        code.replace('if __name__ == "__main__":', told + 'if __name__ == "__main__":')
    )
    assert resource is not None
    done = booster_sandbox.subprocess.run(
        [booster_sandbox.sys.executable, "-I", str(child)], capture_output=True, check=True
    )
    assert int(done.stdout) == 4 << 30
