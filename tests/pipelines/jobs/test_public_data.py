"""The public companies go end to end: check, train, publish; at the level known for each set."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec
from pipelines.config.settings import Settings, load_settings
from pipelines.explanation.answers import explain_customer
from pipelines.explanation.letter import letter_to
from pipelines.jobs.entry import CHECK, NIGHTLY, TRAIN
from pipelines.jobs.nightly import Night
from pipelines.scoring.scores import score_rows
from pipelines.training.evaluation import test_folds as folds_of
from pipelines.training.result import TrainingResult

EXPLAINED = 300
TEXTS = ["reason_1_text", "reason_2_text", "reason_3_text", "protective_1_text"]
AS_OF = {
    "telco": date(2018, 1, 1),
    "powerco": date(2016, 2, 1),
    "cell2cell": date(2002, 1, 1),
    "trupanion": date(2017, 1, 1),
}
AUC = {
    "telco": (0.80, 0.87),
    "powerco": (0.66, 0.74),
    "cell2cell": (0.65, 0.71),
    "trupanion": (0.60, 0.66),
}
LEAVERS = {"telco": 0.265, "powerco": 0.0972, "cell2cell": 0.288, "trupanion": 0.0135}
CHEAPER = {
    "STILLE__TRAINING__SEEDS": "1",
    "STILLE__TRAINING__BOOTSTRAP": "20",
    "STILLE__LIST__EXPLAINED_ROWS": str(EXPLAINED),
}
FEWER_MONTHS = {"STILLE__TRAINING__FIRST_AS_OF": "2016-08-01"}


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that the commands of one company gave."""

    name: str
    config: Path
    settings: Settings
    checked: list[dict[str, object]]
    trained: TrainingResult
    first: Night
    second: Night

    @property
    def listed(self) -> pd.DataFrame:
        return pd.read_parquet(self.first.publication.folder / "risk_list.parquet")


@pytest.fixture(scope="module")
def memory() -> dict[str, Run]:
    return {}


# A set with dates and one without; the two that take longest are proofs.
MARKS = {"powerco": pytest.mark.proof, "cell2cell": pytest.mark.proof}


@pytest.fixture(
    params=[pytest.param(name, marks=MARKS.get(name, pytest.mark.slow)) for name in AS_OF]
)
def run(request, memory, root, example_data, monkeypatch, tmp_path_factory) -> Run:
    name = request.param
    if name not in memory:
        folder = tmp_path_factory.mktemp(name)
        monkeypatch.chdir(root)
        months = FEWER_MONTHS if name == "trupanion" else {}
        paths = {f"STILLE__PATHS__{part}": str(folder / part.lower()) for part in ("VAR", "OUT")}
        for variable, value in {**CHEAPER, **months, **paths}.items():
            monkeypatch.setenv(variable, value)
        memory[name] = commands(name, root / "configs" / "examples" / f"{name}.yaml")
    return memory[name]


def commands(name, config) -> Run:
    day = AS_OF[name]
    return Run(
        name=name,
        config=config,
        settings=load_settings(config),
        checked=CHECK.start(config, day).rows,
        trained=TRAIN.start(config, day),
        first=NIGHTLY.start(config, day),
        second=NIGHTLY.start(config, day),
    )


def test_the_tables_hold_and_the_model_ranks_as_is_known_for_the_set(run):
    assert {row["table"] for row in run.checked} == set(run.settings.sources)
    card = run.trained.evaluation.cards["model"]
    low, high = AUC[run.name]
    assert low <= card["auc"].value <= high
    assert 0.7 <= card["calibration_slope"].value <= 1.35
    assert card["log_loss"].value < run.trained.evaluation.cards["base_rate"]["log_loss"].value
    assert run.trained.evaluation.leak is None
    assert run.trained.verdict.promote


def test_only_the_fictional_set_may_rank_above_the_usual_alarm(run):
    alarm = run.settings.training.auc_alarm
    assert alarm == (0.87 if run.name == "telco" else 0.85)


def test_no_dropped_column_reaches_the_model(run):
    customers = run.settings.sources["customers"]
    dropped = {column for source in run.settings.sources.values() for column in source.dropped}
    names = run.trained.evaluation.test.spec.names
    attributes = {name.removeprefix("attr_") for name in names if name.startswith("attr_")}
    assert attributes <= set(customers.attributes)
    assert dropped.isdisjoint(customers.attributes[name].column for name in attributes)
    assert dropped.isdisjoint(
        origin.column
        for source in run.settings.sources.values()
        for origin in source.columns.values()
    )
    assert not {"churn", "churned", "label"} & {
        name.removeprefix("attr_").lower() for name in names
    }


def test_the_list_is_whole_and_its_level_is_the_set_s(run):
    listed = run.listed
    assert listed["customer_id"].is_unique
    assert listed["churn_probability"].between(0, 1).all()
    assert listed["churn_probability"].mean() == pytest.approx(LEAVERS[run.name], rel=0.2)
    assert listed["churn_probability"].is_monotonic_decreasing
    assert listed["as_of_date"].astype(str).eq(str(AS_OF[run.name])).all()


def test_every_explained_row_has_reasons_that_a_person_can_read(run):
    explained = run.listed.head(EXPLAINED)
    assert explained["reason_1_text"].notna().all()
    assert explained["reason_1_contribution"].gt(0).all()
    said = pd.concat([explained[name] for name in TEXTS]).dropna()
    assert said.str.len().between(10, 140).all()
    assert not said.str.contains(r"attr_|\bnan\b|\bNone\b|<NA>|[{}]|: $").any()
    assert not (said.str.contains("a month in all") & (run.name == "powerco")).any()


def test_a_sentence_about_an_attribute_names_it_as_the_configuration_does(run):
    explained = run.listed.head(EXPLAINED)
    said = pd.concat([explained[name] for name in TEXTS]).dropna()
    attributes = run.settings.sources["customers"].attributes.values()
    names = tuple(f"{a.doc.rstrip('.')}: " for a in attributes)
    profiled = explained["reason_1_driver"].eq("profile")
    assert explained.loc[profiled, "reason_1_text"].str.startswith(names).all()
    assert said.str.startswith(names).any() == bool(names)


def test_a_second_night_changes_nothing(run):
    assert (run.first.written, run.second.written) == (True, False)
    assert run.second.publication == run.first.publication


class Linear:
    """A model whose contributions are given, for the choice of what a sentence quotes."""

    def __init__(self, spec, contributions):
        self.spec, self._contributions = spec, np.array(contributions)

    def probability(self, x, product_line, threads):
        return 1 / (1 + np.exp(-self._contributions.sum(axis=1)))

    def contributions(self, x, product_line, threads):
        return self._contributions


def test_a_profile_sentence_quotes_what_works_in_its_own_direction(company):
    attributes = {
        "minutes": {"column": "m", "type": "number", "unit": "min", "doc": "Time on hold."},
        "renewed": {"column": "r", "type": "number", "as_days": True, "doc": "Last renewal."},
        "town": {"column": "t", "type": "category", "doc": "A name far too long " * 4},
    }
    settings = company(
        {"customers.csv": "customer_id,m,r,t\n1,2,2020-01-01,x\n"},
        {"customers": {"path": "customers.csv", "attributes": attributes}},
    )
    columns = [
        FeatureColumn(f"attr_{name}", given["type"], "profile", "relationship", 0, name)
        for name, given in attributes.items()
    ]
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "product_line": None,
            "attr_minutes": np.array([0.12346, 1234567.5, 3.0, np.nan], dtype="float32"),
            "attr_renewed": np.array([0, 16832, 16832, 16832], dtype="float32"),
            "attr_town": ["Moss", "Moss", None, "Moss"],
        }
    )
    # The last column is the expected value; rows fall in this order by probability.
    model = Linear(
        learn_spec(columns, frame),
        [[3.0, -3.5, 1.5, 0.5], [-1.0, 2.0, 0.0, 0], [-0.5, 0.2, -2.0, 0], [-2.5, -1.0, 1.0, 0]],
    )
    scored = score_rows(settings, model, frame)
    assert scored["customer_id"].tolist() == ["a", "b", "c", "d"]
    quoted = scored["reason_1_attribute"].fillna(scored["protective_1_attribute"])
    assert quoted.tolist() == ["Time on hold", "Last renewal", "Last renewal", "Town"]
    values = scored["reason_1_value"].fillna(scored["protective_1_value"])
    assert values.fillna("").tolist() == ["0.1235 min", "2016-02-01", "2016-02-01", "Moss"]
    assert scored["reason_2_attribute"].fillna("").tolist() == ["Town", "", "", ""]
    assert scored["reason_1_contribution"].fillna(0).tolist() == [3.0, 2.0, 0.2, 1.0]


def test_folds_of_a_single_date_judge_each_customer_once(company):
    column = FeatureColumn("f", "number", "tenure", "relationship", 0, "f")
    frame = pd.DataFrame({"customer_id": [str(i) for i in range(200)], "f": np.arange(200.0)})
    frame["as_of"], frame["product_line"] = np.datetime64("2020-01-01", "D"), "a"
    examples = Examples.build(frame, learn_spec([column], frame), pd.Series(np.arange(200) % 2))
    training = {"first_as_of": "2020-01-01"}
    (split,) = folds_of(company(training=training), examples)
    assert 0.15 < split.test.mean() < 0.35
    folds = folds_of(company(training={**training, "folds": 4}), examples)
    assert np.sum([fold.test for fold in folds], axis=0).tolist() == [1] * 200
    assert all((fold.train ^ fold.test).all() for fold in folds)


def test_the_letter_lists_every_attribute_of_the_model_and_no_default_date(run, root, monkeypatch):
    monkeypatch.chdir(root)
    for part in ("VAR", "OUT"):
        monkeypatch.setenv(f"STILLE__PATHS__{part}", str(getattr(run.settings.paths, part.lower())))
    customer = run.listed["customer_id"].iloc[0]
    said = letter_to(run.config, customer, AS_OF[run.name], "en")
    row = explain_customer(run.config, customer, AS_OF[run.name], "en").row
    for key, attribute in run.settings.sources["customers"].attributes.items():
        column = f"attr_{key}"
        assert (
            column not in row or row[column].isna()[0] or f"– {attribute.doc.rstrip('.')}" in said
        )
    assert not re.search(r"19(00|69|70)", said)


def test_explain_shows_the_file_and_row_behind_an_attribute(run, root, monkeypatch):
    monkeypatch.chdir(root)
    for part in ("VAR", "OUT"):
        monkeypatch.setenv(f"STILLE__PATHS__{part}", str(getattr(run.settings.paths, part.lower())))
    source = run.settings.sources["customers"]
    customer = run.listed["customer_id"].iloc[0]
    found = explain_customer(run.config, customer, AS_OF[run.name], "en")
    quoted = [f for s in found.sentences for f in s.figures if f.fact == "profile_value"]
    assert bool(quoted) == bool(source.attributes)
    for figure in quoted:
        [row] = figure.rows
        assert row.key["file"].endswith(str(source.path))
        assert len(row.values) == 1
        assert row.happened_on is None or row.happened_on.year > 1970
    if quoted and str(source.path).endswith(".csv"):
        line = Path(row.key["file"]).read_text("utf-8").splitlines()[row.key["row"] - 1]
        assert line.startswith(customer)
