"""Parts of the drivers, judged on the same rows and kept side by side in one experiment."""

from types import SimpleNamespace

import mlflow
import pytest
from trees import records

from benchmarks import ablation
from benchmarks.ablation import ABLATION, PARTS
from pipelines.config.settings import load_settings
from pipelines.tracking import registry

ASKED = ("all", "price only", "wait only", "resolution only", "wait and resolution")


def column(driver="tenure", family="relationship"):
    return SimpleNamespace(driver=driver, family=family)


@pytest.mark.parametrize(
    ("part", "kept", "left"),
    [
        ("price only", column(family="price"), column("wait")),
        ("wait only", column("wait"), column("unresolved_case")),
        ("resolution only", column("unresolved_case"), column("wait")),
        ("wait and resolution", column("late_delivery"), column("outreach")),
        ("without outreach", column("wait"), column("outreach")),
        ("without payment method", column("dunning"), column("payment_method")),
        ("without payment method", column("payment_failure"), column("payment_setup")),
    ],
)
def test_a_part_keeps_its_drivers_and_no_others(part, kept, left):
    assert (PARTS[part](kept), PARTS[part](left)) == (True, False)


def test_every_part_is_a_run_of_one_experiment_with_its_metrics(demo, tmp_path, monkeypatch):
    given = {name: PARTS[name] for name in ASKED} | {"nothing": lambda _: False}
    monkeypatch.setattr(ablation, "PARTS", given)
    name = {"experiment": "apart"}
    short = {"first_as_of": "2023-03-01"}
    config = demo.config_in(tmp_path, tracking=name, training=short)
    done = ABLATION.start(config, demo.as_of)

    assert [part for part, *_ in done] == list(ASKED)
    features = {part: count for part, count, _ in done}
    assert features["wait and resolution"] == features["wait only"] + features["resolution only"]
    assert max(features, key=features.get) == "all"
    (record,) = records(tmp_path / "var", "ablation")
    assert "no features for the part: nothing" in record["notes"]

    mlflow.set_tracking_uri(registry.tracking_uri(load_settings(config)))
    experiment = mlflow.get_experiment_by_name("apart-ablations")
    runs = mlflow.search_runs([experiment.experiment_id], output_format="list")
    logged = {run.data.params["part"]: run for run in runs}
    assert sorted(logged) == sorted(ASKED)
    for part, count, card in done:
        run = logged[part].data
        assert run.params["features"] == str(count)
        assert run.metrics["auc"] == pytest.approx(card["auc"].value)
        assert run.metrics["log_loss"] == pytest.approx(card["log_loss"].value)
