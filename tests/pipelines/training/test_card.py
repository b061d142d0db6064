"""The model card: read as a whole once, and every figure in it is the run's."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import pytest

from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.metrics.bootstrap import Interval, MonthShocks, Rows
from models.promotion.evidence import BaselineComparison
from pipelines.config.settings import load_settings
from pipelines.runtime.escaping import escape_markdown
from pipelines.tracking import registry
from pipelines.training.card import CARD, description, model_card

GOLDEN = Path(__file__).parents[1] / "golden" / CARD
SPEC = FeatureSpec(
    (
        FeatureColumn("wait_max_90d", "number", "wait", "support_wait", 1, "max"),
        FeatureColumn("price_rise", "number", "price_rise", "price", 1, "sum"),
        FeatureColumn("bill_shock", "number", "bill_shock", "billing_friction", 1, "max"),
    )
)
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:,\d{3})*(?:\.\d+)?%?")
# Said by the template itself: an interval's 95 %, and which article a sentence comes from.
SAID = {"95"}


def rows(n, leavers):
    return Examples(
        customer_id=np.array([f"c{i % (n // 2)}" for i in range(n)], dtype=object),
        as_of=np.array(["2024-01-01", "2024-02-01"], dtype="datetime64[D]").repeat(n // 2),
        product_line=np.array(["electricity", "broadband"], dtype=object)[np.arange(n) % 2],
        x=np.zeros((n, 3), dtype=np.float32, order="F"),
        y=(np.arange(n) < leavers).astype(np.int8),
        spec=SPEC,
        margin=np.full(n, np.nan),
        asleep=np.zeros(n, dtype=bool),
    )


def run(**changes):
    """A run whose figures are all different from each other."""
    names = ["auc", "average_precision", "log_loss", "brier", "calibration_slope"]
    names += ["calibration_intercept", "lift@1%", "lift@5%", "lift@10%"]
    names += ["recall@1%", "recall@5%", "recall@10%"]

    def card(start):
        return {
            name: Interval(start + i / 100, start + i / 100 - 0.005, start + i / 100 + 0.005)
            for i, name in enumerate(names)
        }

    test = rows(400, 30)
    judged = {
        "test": test,
        "folds": ("time, 2024-01 to 2024-02",),
        "scores": {"model": np.full(400, 0.07)},
        "cards": {"model": card(0.7), "base_rate": card(0.5), "one_rule": card(0.6)},
        "descriptions": {"base_rate": "everybody leaves with 7.1 %", "one_rule": "wait > 300"},
        "baselines": (
            BaselineComparison("one_rule", "log loss", 0.1, 0.2, Interval(0.1, 0.05, 0.15), 0.01),
        ),
        "leak": None,
        "rows": Rows(test.customer_id, test.y, shocks=MonthShocks(test.as_of, test.y, 0.18, 90)),
        "swing": 0.18,
        "drivers": pd.Series({"price_rise": 0.41, "wait": 0.32, "bill_shock": 0.13}),
        "families": pd.DataFrame(
            {"price": [0.41, -0.41], "support_wait": [0.32, 0.32], "billing_friction": [0.1, 0.16]}
        ),
    }
    return SimpleNamespace(**(judged | changes))


PREPARED = SimpleNamespace(
    examples=rows(2_000, 124),
    outcomes={"deceased": 3, "moved": 41, "stayed": 1_876, "voluntary": 124},
    silent=("f",),
    omitted=("g", "h"),
)
MADE = (date(2024, 6, 1), "0.1.0")


@pytest.fixture
def settings(demo):
    return load_settings(demo.config)


def test_the_card_reads_as_it_should(settings):
    """To accept a new wording, write what this returns to the golden file, and read it."""
    assert model_card(settings, PREPARED, run(), *MADE) == GOLDEN.read_text("utf-8")


def test_every_figure_of_a_card_is_one_of_the_run(demo, settings, trained):
    version = registry.champion_version(settings)
    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    text = Path(client.download_artifacts(version.run_id, CARD)).read_text("utf-8")
    card = json.loads(Path(client.download_artifacts(version.run_id, "scorecard.json")).read_text())
    outcomes = json.loads(
        Path(client.download_artifacts(version.run_id, "outcomes.json")).read_text()
    )
    feedback = json.loads(
        Path(client.download_artifacts(version.run_id, "feedback.json")).read_text()
    )
    params = client.get_run(version.run_id).data.params
    judged = trained.evaluation
    known = SAID | {
        f"{judged.rows.shocks.swing:.2f}",
        params["features"],
        f"{int(params['rows']):,}",
    }
    figures = [i for each in card.values() for metric in each.values() for i in metric.values()]
    known |= {f"{figure:.4f}" for figure in figures if figure is not None}
    known |= set(NUMBER.findall(" ".join(each.sentence for each in judged.baselines)))
    known |= {f"{count:,}" for count in outcomes.values()}
    known |= set(NUMBER.findall(" ".join([*judged.descriptions.values(), *judged.folds])))
    known |= {str(settings.label.lead_days), str(14 + settings.label.horizon_days)}
    known |= {f"{len(judged.test):,}", f"{judged.test.y.sum():,}"}
    for line in np.unique(judged.test.product_line):
        of = judged.test.product_line == line
        left, expected = int(judged.test.y[of].sum()), judged.scores["model"][of].sum()
        known |= {f"{of.sum():,}", f"{left:,}", f"{expected:,.1f}", f"{left / expected:.2f}"}
    known |= {f"{v:.3f}" for v in judged.families.abs().mean()}
    dates = re.sub(r"\d{4}-\d\d(-\d\d)?", "", text)
    learned = dates[dates.index("Learned from") : dates.index("## How good")]
    measured = re.sub(r"- Features .*", "", dates.replace(learned, ""))
    strange = set(NUMBER.findall(re.sub(r"\b0\.1\.0\S*|\b[1510]+ ?%", "", measured))) - known
    ratios = {n for line in re.findall(r"\(\d.*? to .*?\)", measured) for n in NUMBER.findall(line)}
    assert strange - ratios == set()
    assert f"{int(params['rows']):,} rows" in learned
    # The treated teach nothing, and a row that counts for several tells no more than one.
    (left,) = re.findall(r"([\d,]+) of the rows left", learned)
    assert feedback["effective_leavers"] <= int(left.replace(",", ""))
    assert feedback["effective_leavers"] <= outcomes["voluntary"]


def test_a_change_of_any_figure_changes_the_card(settings):
    before = model_card(settings, PREPARED, run(), *MADE)
    for changes in (
        {"scores": {"model": np.full(400, 0.08)}},
        {"folds": ("time, 2024-02 to 2024-02",)},
        {"families": run().families * 2},
        {"leak": "column x knows the answer"},
        {"baselines": ()},
    ):
        assert model_card(settings, PREPARED, run(**changes), *MADE) != before


def test_a_suspected_leak_stands_in_the_card(settings):
    leak = "column x knows the answer"
    assert "**A leak is suspected.** column x knows" in model_card(
        settings, PREPARED, run(leak=leak), *MADE
    )


def test_a_leak_that_a_person_let_through_stands_in_the_card(settings):
    overrides = {"attr_state": "asked the register's owner"}
    training = settings.training.model_copy(update={"leak_override": overrides})
    card = model_card(settings.model_copy(update={"training": training}), PREPARED, run(), *MADE)
    (said,) = (line for line in card.splitlines() if "let through by a person" in line)
    assert "state" in said
    assert "asked the register" in said


def test_names_cannot_mark_up_the_card(settings):
    line = "a|b <img src=x> [c](d) `e` **f**\n# g"
    hostile = replace(rows(400, 30), product_line=np.full(400, line, dtype=object))
    text = model_card(settings, PREPARED, run(test=hostile), *MADE)
    assert "<img" not in text
    assert "\n# g" not in text
    assert escape_markdown("a|b") == r"a\|b"


def test_a_description_holds_whole_sections_and_fits(settings):
    card = model_card(settings, PREPARED, run(), *MADE)
    short = description(card)
    assert len(short) <= 5_000
    assert short.startswith(card.split("\n## ")[0].rstrip())
    assert short.endswith("The rest is in `model_card.md` of the run.\n") or short == card
    assert "## How good it is" in short
    assert description("# a\n\n## b\n") == "# a\n\n## b\n"


def test_the_version_is_described_by_its_card_and_the_run_names_its_rows(settings, trained):
    registered = trained.registered
    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    version = client.get_model_version(registered.name, registered.version)
    assert version.description.startswith("# Demo Kraft: risk of a voluntary notice")
    found = client.get_run(registered.run_id)
    assert found.info.run_name == f"train 2024-03-01, v{registered.version}"
    assert found.data.tags["mlflow.note.content"] == version.description
    assert found.data.tags["code_version"].startswith("0.1.0")
    inputs = {each.dataset.name: each for each in found.inputs.dataset_inputs}
    assert set(inputs) == {"training", "test"}
    profile = json.loads(inputs["test"].dataset.profile)
    assert profile["num_rows"] == len(trained.evaluation.test)
    assert profile["leavers"] == int(trained.evaluation.test.y.sum())
    assert json.loads(inputs["training"].dataset.profile)["num_rows"] == int(
        found.data.params["rows"]
    )
    columns = json.loads(inputs["training"].dataset.schema)["mlflow_colspec"]
    assert [c["name"] for c in columns] == [*trained.evaluation.test.spec.names, "label"]
    customer = str(trained.evaluation.test.customer_id[0])
    assert customer not in json.dumps([vars(each.dataset) for each in inputs.values()])
