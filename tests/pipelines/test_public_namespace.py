"""``import stille``: one namespace for notebooks, which no foreign package can stand in for."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import stille
from pipelines.config.settings import load_settings

SCRIPT = "import sys; sys.argv[0] = '/usr/bin/stille'; from stille.__main__ import main; main()"


def python(folder, root, *words):
    """Run Python in ``folder``, which comes before the project's root on its path."""
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


@pytest.mark.parametrize("foreign", ["models/__init__.py", "features/__init__.py", "pipelines.py"])
@pytest.mark.parametrize(
    ("words", "code"),
    [(("-c", "import stille"), 1), (("-m", "stille", "--help"), 2), (("-c", SCRIPT), 2)],
)
def test_a_foreign_package_is_named_beside_our_own(tmp_path, root, foreign, words, code):
    path = tmp_path / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    ended = python(tmp_path, root, *words)
    name = path.stem if path.parent == tmp_path else path.parent.name
    found = path if path.parent == tmp_path else path.parent
    assert ended.returncode == code
    assert f"{name}: {found} instead of {root / name}" in ended.stderr
    assert "rename them" in ended.stderr
    assert ("Traceback" in ended.stderr) is (code == 1)


def test_it_imports_nothing_heavy_and_lists_all_that_it_has(tmp_path, root):
    code = (
        "import sys, stille\n"
        "print(sorted({'prefect', 'mlflow', 'lightgbm', 'pandas', 'duckdb'} & set(sys.modules)))\n"
        "print(callable(stille.load_settings))"
    )
    ended = python(tmp_path, root, "-c", code)
    assert (ended.stdout.splitlines(), ended.returncode) == (["[]", "True"], 0)
    assert {"matrix", "load_settings", "train", "compare_runs"} <= set(dir(stille))
    with pytest.raises(AttributeError, match="no attribute 'matrices'"):
        _ = stille.matrices


def test_scores_and_reasons_are_those_of_the_night(demo, published):
    settings = load_settings(demo.config)
    matrix = stille.matrix(settings, demo.as_of)
    model = stille.champion(settings).model
    risk = pd.Series(stille.score(model, matrix).to_numpy(), matrix["customer_id"])
    listed = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    by_night = listed.set_index("customer_id")["churn_probability"]
    np.testing.assert_allclose(risk[by_night.index], by_night, atol=1e-6)
    drivers = stille.explain(model, matrix)
    assert len(drivers) == len(matrix)
    top = listed.iloc[0]
    row = drivers[(matrix["customer_id"] == top["customer_id"]).to_numpy()].iloc[0]
    assert row[top["reason_1_driver"]] == pytest.approx(top["reason_1_contribution"], abs=1e-4)


def test_examples_folds_and_scorecard_are_those_of_training(demo, trained):
    settings = load_settings(demo.config)
    examples = stille.examples(settings, demo.as_of)
    [fold] = stille.test_folds(settings, examples)
    test = examples.take(fold.test)
    assert np.array_equal(test.customer_id, trained.evaluation.test.customer_id)
    card = stille.scorecard(settings, examples, fold, trained.evaluation.scores["model"])
    expected = trained.evaluation.cards["model"]["auc"]
    assert tuple(card.loc["auc"]) == (expected.value, expected.low, expected.high)
