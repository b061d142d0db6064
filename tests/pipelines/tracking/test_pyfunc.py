"""The champion through MLflow alone: a matrix as it is, a client's frame, and what is refused."""

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

import stille
from pipelines.config.settings import load_settings
from pipelines.tracking import files as model_files
from pipelines.tracking import registry


@pytest.fixture(scope="module")
def settings(_company, trained):
    found = load_settings(_company.config)
    registry.connect(found)
    return found


@pytest.fixture(scope="module")
def night(settings, _company):
    return stille.matrix(settings, _company.as_of)


def test_anyone_can_load_the_champion_through_mlflow(settings, night):
    model = model_files.load(settings, registry.champion_version(settings))
    loaded = mlflow.pyfunc.load_model("models:/churn@champion")
    matrix = night[:200]
    x, lines = model.spec.encode(matrix), matrix["product_line"].to_numpy(dtype=object).copy()
    lines[:3] = ["gas", None, np.nan]
    assert set(model.calibration.product_lines) == {"electricity", "broadband"}
    features = matrix[list(model.spec.names)]
    np.testing.assert_allclose(loaded.predict(features), model.probability(x), 1e-14)
    by_line = model.probability(x, lines)
    assert not np.allclose(by_line, model.probability(x), 1e-6)
    np.testing.assert_array_equal(by_line[:3], model.probability(x)[:3])
    named = matrix.assign(product_line=pd.Series(lines, index=matrix.index, dtype=object))
    whole = [
        c for c in features if pd.api.types.is_numeric_dtype(matrix[c]) and whole_numbers(matrix[c])
    ]
    permuted = named.sample(frac=1, axis=1, random_state=1)
    client = permuted.astype({c: "Int64" if i % 2 else "int64" for i, c in enumerate(whole)})
    client["latest_payment_method"] = client["latest_payment_method"].where(
        lambda m: m != "card", "x"
    )
    unseen = model.spec.encode(client.astype(dict.fromkeys(whole, "float64")))
    assert len(whole) > 50
    np.testing.assert_allclose(loaded.predict(named), by_line, 1e-14)
    np.testing.assert_allclose(loaded.predict(client), model.probability(unseen, lines), 1e-14)


def whole_numbers(values):
    return values.notna().all() and (values % 1 == 0).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m.drop(columns="wait_max_90d"), r"missing inputs \['wait_max_90d'\]"),
        (lambda m: m.assign(wait_max_90d="long"), "'wait_max_90d' holds string values"),
        (lambda m: m.assign(latest_payment_method=3), "latest_payment_method. Can not safely"),
    ],
)
def test_a_column_of_another_kind_is_refused_by_name(settings, night, change, complaint):
    loaded = mlflow.pyfunc.load_model("models:/churn@champion")
    with pytest.raises(MlflowException, match=complaint):
        loaded.predict(change(night[:3]))


def test_the_model_shows_how_it_is_used_without_a_customers_row(settings, trained):
    loaded, client = mlflow.pyfunc.load_model("models:/churn@champion"), mlflow.MlflowClient()
    example = loaded.input_example
    assert len(example) == 1
    assert 0 < loaded.predict(example)[0] < 1
    assert "customer_id" not in example
    signature = loaded.metadata.signature.inputs
    assert set(signature.input_names()) == {*trained.evaluation.test.spec.names, "product_line"}
    assert signature.optional_input_names() == ["product_line"]
    described = client.get_registered_model("churn").description
    assert 'load_model("models:/churn@champion")' in described
