"""A night's matrix fits the champion, column by column, or is refused by name."""

import re
from datetime import date

import duckdb
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from trees import records, tree

from features.errors import ContractError, GateError, ModelError
from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.dataset.feature_spec import FeatureColumn, learn_spec
from models.drift.psi import count_missing
from pipelines.config.run import Run
from pipelines.matrices.gates import refuse_other_filling
from pipelines.runtime.run_record import RunRecord

COLUMNS = (
    FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
    FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
    FeatureColumn("plan", "category", "profile", "relationship", 0, "plan"),
)
NEEDS = {"bill": ("invoices",), "wait": ("contacts", "contacts.wait_seconds")}
ROWS = 1000


def matrix(nulls: float = 0.02, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "bill": rng.normal(size=ROWS),
            "wait": np.where(np.arange(ROWS) < nulls * ROWS, np.nan, rng.normal(size=ROWS)),
            "plan": rng.choice(["basic", "plus"], ROWS),
        }
    )


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    trained = matrix()
    spec = learn_spec(COLUMNS, trained)
    y = (trained["bill"] + trained["wait"].fillna(0) > 0).astype(int)
    data = lgb.Dataset(spec.encode(trained), y, feature_name=list(spec.names))
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 5)
    return ChurnModel((booster,), Calibration(1.0, 0.0), spec)


def run_of(settings):
    return Run(settings, date(2024, 1, 1), RunRecord("n", "nightly", ""))


@pytest.fixture
def scored(model, company):
    """The probabilities of a matrix that passes the gates."""
    settings = company()

    def score(frame):
        counts = count_missing(model.spec, frame)
        refuse_other_filling(run_of(settings), model.spec, counts, NEEDS)
        return model.probability(model.spec.encode(frame))

    return score


@pytest.mark.promise("features")
def test_permuted_and_extra_columns_are_aligned_by_name(scored):
    frame = matrix(seed=1)
    other = frame[["plan", "wait", "bill"]].assign(extra="x")
    np.testing.assert_array_equal(scored(other), scored(frame))
    swapped = frame.rename(columns={"bill": "wait", "wait": "bill"})
    assert (scored(swapped) != scored(frame)).any()


@pytest.mark.promise("features")
@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: f.drop(columns="wait"), ModelError, "columns: wait."),
        (lambda f: f.rename(columns={"wait": "waits"}), ModelError, "wait (renamed to waits?)"),
        (lambda f: f.assign(wait=f["wait"].astype(str)), ModelError, "'wait' holds"),
        (lambda f: f.assign(plan=1.0), ModelError, "'plan' holds"),
        (
            lambda f: f.assign(wait=np.nan),
            ContractError,
            "wait (from contacts, contacts.wait_seconds): null in 100.0% of the rows, 2.0% in",
        ),
        (lambda f: f.assign(plan=None), ContractError, "plan (from customers): null in 100.0%"),
    ],
    ids=["missing", "renamed", "retyped", "retyped category", "emptied", "emptied category"],
)
def test_what_does_not_fit_is_refused_by_name(scored, change, error, words):
    with pytest.raises(error) as refused:
        scored(change(matrix(seed=1)))
    assert words in str(refused.value)
    assert "stille train" in str(refused.value)


def gated(model, settings, frame):
    run = run_of(settings)
    try:
        refuse_other_filling(run, model.spec, count_missing(model.spec, frame), NEEDS)
    except GateError as error:
        return run.record, str(error)
    return run.record, ""


@pytest.mark.promise("features")
@pytest.mark.fault(19)
def test_a_share_of_nulls_that_rises_from_2_to_40_percent_closes_a_gate(model, company):
    record, message = gated(model, company(), matrix(nulls=0.4, seed=1))
    assert "wait (from contacts, contacts.wait_seconds): null in 40.0% of the rows, 2.0%" in message
    assert "bill" not in message
    assert "quality.max_null_rise" in message
    [closed] = [gate for gate in record.gates if not gate.passed]
    assert closed.name == "wait: rise of the share of nulls over training"
    assert (closed.value, closed.high) == (0.38, 0.2)
    record, message = gated(model, company(quality={"max_null_rise": 0.4}), matrix(nulls=0.4))
    assert message == ""
    assert all(gate.passed for gate in record.gates)
    assert len(record.gates) == len(COLUMNS) + 1


@pytest.mark.fault(20)
def test_words_that_training_never_saw_close_a_gate(model, company):
    frame = matrix(seed=1)
    few = frame.assign(plan=["new"] * 150 + frame["plan"].tolist()[150:])
    many = frame.assign(plan=["new"] * 300 + frame["plan"].tolist()[300:])
    assert gated(model, company(), few)[1] == ""
    record, message = gated(model, company(), many)
    assert "plan (from customers): null in 0.0%" in message
    assert "30.0% a word unknown to it" in message
    assert "new" not in message.partition("quality")[0].replace("unknown", "")
    assert [g.name for g in record.gates if not g.passed] == [
        "plan: share of words that training never saw"
    ]


def test_a_handful_of_customers_closes_no_gate(model, company):
    assert gated(model, company(), matrix(nulls=0.4).iloc[380:440])[1] == ""
    assert gated(model, company(), matrix().head(0))[1] == ""


@pytest.mark.fault(19)
def test_a_column_that_goes_empty_in_the_tables_keeps_the_last_publication(demo, copied, stille):
    """A person has let the tables through; what the champion learned from tells all the same."""
    rewrite(copied / "data" / "tables" / "contacts.parquet", "null::bigint as wait_seconds")
    ended = night(demo, copied, stille)
    assert ended.code == 3, ended.err
    told = r"wait_\w+ \(from contacts,.* contacts\.wait_seconds\): null in 100\.0% of the rows"
    assert re.search(told, ended.err)


def test_a_column_that_loses_values_in_the_tables_keeps_the_last_publication(demo, copied, stille):
    some = "case when hash(customer_id) % 10 < 4 then null else n_lines end as n_lines"
    rewrite(copied / "data" / "tables" / "invoices.parquet", some)
    ended = night(demo, copied, stille)
    assert ended.code == 6, ended.err
    assert re.search(r"bill_lines_latest \(from invoices, .*invoices\.n_lines", ended.err)
    (record,) = records(copied / "var", "nightly")
    closed = [gate["name"] for gate in record["gates"] if not gate["passed"]]
    assert closed[-1] == "bill_lines_latest: rise of the share of nulls over training"


def rewrite(path, replaced):
    rows = duckdb.sql(f"select * replace ({replaced}) from '{path}'").to_arrow_table()
    assert rows.num_rows
    duckdb.sql(f"copy (from rows) to '{path}' (format parquet)")


def night(demo, copied, stille):
    config = demo.config_in(copied, copied / "data")
    looked = stille("check", "--accept", "--config", config, "--as-of", demo.as_of)
    assert looked.code == 0, looked.err
    before = tree(copied / "out")
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert tree(copied / "out") == before
    assert "Traceback" not in ended.err
    return ended
