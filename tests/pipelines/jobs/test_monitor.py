"""Monitoring: what happened is held against what was published, and nothing unripe counts."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from publishing import stamp
from trees import records

from features.errors import ContractError
from models.drift.psi import Drift
from pipelines.config.run import Run
from pipelines.config.sections import Monitoring
from pipelines.config.settings import load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.build import outcomes_at
from pipelines.monitoring import result as monitoring
from pipelines.monitoring.inputs import Inputs, gate_history, input_alarms, source_health
from pipelines.monitoring.performance import (
    LabelledRows,
    as_data,
    choose_publications,
    join_outcomes,
    measure,
    performance_alarms,
)
from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication, newest_publications
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking import registry

TODAY = date(2024, 3, 1)
# 14 days of lead and 90 of horizon: 2023-11-18 is the last as-of date that is complete.
RIPE = (date(2023, 9, 1), date(2023, 10, 1), date(2023, 11, 18))
UNRIPE = (date(2023, 11, 19), date(2024, 2, 1))


def put(settings, as_of, rows, run_id="run", horizon=90, created=datetime(2024, 1, 1, tzinfo=UTC)):
    """Publish a risk list of ``rows`` (customer_id, p, driver, product_line)."""
    out = settings.paths.out
    listed = rows.sort_values("p", ascending=False, ignore_index=True)
    listed = pd.DataFrame(
        {
            "as_of_date": as_of,
            "customer_id": listed["customer_id"],
            "product_line": listed["product_line"],
            "churn_probability": listed["p"],
            "risk_rank": listed["p"].rank(method="min", ascending=False).astype("int64"),
            "reason_1_driver": listed["driver"],
        }
    )
    with publisher(out), staging_folder(Publication(out, as_of, run_id)) as staging:
        listed.to_parquet(staging / "risk_list.parquet", index=False)
        made = replace(stamp(as_of, run_id), horizon_days=horizon, created=created)
        publish(Publication(out, as_of, run_id), made, {}, backfill=True)


def rated(ended, scale=1.0):
    """Probabilities that come true: the rate of leaving in a small and in a large group."""
    place = np.arange(len(ended))
    left = ended["label"].eq(1)
    small = np.where(left, place % 5 < 3, place % 10 == 0)
    rates = [left[group].mean() for group in (small, ~small)]
    return pd.DataFrame(
        {
            "customer_id": ended["customer_id"],
            "p": scale * np.where(small, *rates),
            "driver": np.where(small, "wait", "price_rise"),
            "product_line": np.where(place % 2, "electricity", "broadband"),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("monitoring")


@pytest.fixture
def company(demo, folder):
    """The demo with a ``var`` of this module, and an ``out`` for each level of probability."""

    def make(name, scale):
        settings = load_settings(demo.config_in(folder))
        document = (folder / "config.yaml").read_text()
        config = folder / f"{name}.yaml"
        config.write_text(document.replace(str(folder / "out"), str(folder / name)))
        settings = load_settings(config)
        if not settings.paths.out.exists():
            snapshot = read_tables(Run(settings, TODAY, RunRecord("r", "monitor", "")))
            ended = outcomes_at(settings, snapshot, RIPE, TODAY).to_pandas()
            for as_of in RIPE:
                put(settings, as_of, rated(ended[ended["as_of"] == as_of], scale))
            for as_of in UNRIPE:
                put(settings, as_of, rated(ended[ended["as_of"] == RIPE[0]], 9 * scale))
        return config, settings

    return make


NOBODY = pd.DataFrame(columns=["customer_id", "day", "treated", "by_lot", "held_out_for"])


def test_probabilities_that_come_true_raise_no_alarm(company, stille):
    config, settings = company("good", 1.0)
    ended = stille("monitor", "--plain", "--config", config, "--as-of", TODAY)
    assert ended.code == 0, ended.err
    assert "observed over expected" in ended.out
    data = json.loads((settings.paths.var / "monitoring" / f"{TODAY}.json").read_bytes())
    assert data["alarms"] == []
    assert data["publications"] == {
        "complete": [str(day) for day in RIPE],
        "immature": [str(day) for day in UNRIPE],
        "other_horizon": [],
    }
    performance = data["performance"]
    assert [each["name"] for each in performance["publications"]] == [str(d) for d in RIPE]
    assert performance["all"]["observed_to_expected"]["value"] == pytest.approx(1, abs=0.02)
    assert [each["name"] for each in performance["tenths"]] == [f"{i:02d}" for i in range(1, 11)]
    assert {each["name"] for each in performance["drivers"]} == {"wait", "price_rise"}
    lines = {each["name"]: each["rows"] for each in performance["product_lines"]}
    assert sum(lines.values()) == performance["all"]["rows"]
    assert set(performance["rows_without_label"]) >= {"moved"}
    assert data["inputs"]["as_of_date"] == str(TODAY)
    assert len(data["inputs"]["families"]) == 8
    (record,) = records(settings.paths.var, "monitor")
    assert (record["status"], record["exit_code"]) == ("succeeded", 0)

    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    experiment = client.get_experiment_by_name("churn-monitoring")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == f"monitor {TODAY}"
    assert run.data.metrics["leavers"] == performance["all"]["observed"]
    assert run.data.metrics["alarms"] == 0
    assert run.data.tags["champion"] == data["champion"]


def test_half_of_the_level_rings_and_ends_with_six(company, stille):
    config, settings = company("halved", 0.5)
    ended = stille("monitor", "--plain", "--json", "--config", config, "--as-of", TODAY)
    assert ended.code == 6
    data = json.loads(ended.out)
    assert data["performance"]["all"]["observed_to_expected"]["value"] == pytest.approx(2, abs=0.05)
    (alarm,) = data["alarms"]
    assert alarm.startswith("observed over expected leavers is 2.0")
    assert alarm in ended.err.replace("\n", " ")
    record = records(settings.paths.var, "monitor")[-1]
    assert (record["status"], record["exit_code"]) == ("failed", 6)


def test_customers_are_in_no_file_that_monitoring_writes(company, stille):
    config, settings = company("good", 1.0)
    stille("monitor", "--plain", "--config", config, "--as-of", TODAY)
    listed = pd.read_parquet(next(settings.paths.out.glob("*/*/risk_list.parquet")))
    text = "".join(p.read_text() for p in (settings.paths.var / "monitoring").glob("*.json"))
    assert [name for name in listed["customer_id"] if name in text] == []


def test_lists_of_customers_that_nobody_knows_are_refused(company, tmp_path, demo):
    _, settings = company("good", 1.0)
    other = load_settings(demo.config_in(tmp_path))
    rows = pd.DataFrame(
        {"customer_id": ["a"], "p": [0.5], "driver": ["wait"], "product_line": ["x"]}
    )
    put(other, RIPE[0], rows)
    snapshot = read_tables(Run(settings, TODAY, RunRecord("r", "monitor", "")))
    with pytest.raises(ContractError, match="100% of the rows of past lists"):
        join_outcomes(other, snapshot, choose_publications(other, TODAY).complete, TODAY, NOBODY)


def test_the_treated_are_left_out_and_the_spared_count_for_them(company):
    _, settings = company("good", 1.0)
    snapshot = read_tables(Run(settings, TODAY, RunRecord("r", "monitor", "")))
    (chosen, *_) = choose_publications(settings, TODAY).complete
    plain = join_outcomes(settings, snapshot, [chosen], TODAY, NOBODY)
    stayed = plain.table.loc[plain.table["label"].eq(0), "customer_id"].to_numpy()[:3]
    marks = NOBODY.reindex(range(3)).assign(
        customer_id=stayed, day=pd.Timestamp(chosen.as_of), treated=[True, True, False]
    )
    marks = marks.assign(by_lot=True, held_out_for=3.0)
    found = join_outcomes(settings, snapshot, [chosen], TODAY, marks)
    assert (plain.treated, found.treated, len(found.table)) == (0, 2, len(plain.table))
    assert [int(found.table["customer_id"].eq(name).sum()) for name in stayed] == [0, 0, 3]
    assert found.table["label"].sum() == plain.table["label"].sum()


def test_only_ripe_publications_of_this_horizon_are_chosen_one_a_month(demo, tmp_path):
    settings = load_settings(demo.config_in(tmp_path, monitoring={"months": 2}))
    rows = pd.DataFrame(
        {"customer_id": ["a"], "p": [0.5], "driver": ["wait"], "product_line": ["x"]}
    )
    for day in (*RIPE, date(2023, 10, 20), *UNRIPE):
        put(settings, day, rows)
    put(settings, date(2023, 8, 1), rows, horizon=30)
    chosen = choose_publications(settings, TODAY)
    assert [each.as_of for each in chosen.complete] == [RIPE[1], RIPE[2]]
    assert [each.as_of for each in chosen.immature] == list(UNRIPE)
    assert [each.as_of for each in chosen.other_horizon] == [date(2023, 8, 1)]
    assert choose_publications(settings, RIPE[0]).complete == ()
    day_before = choose_publications(settings, TODAY - timedelta(days=1))
    assert RIPE[2] not in [each.as_of for each in day_before.complete]


def test_the_last_made_whole_publication_of_a_date_counts(demo, tmp_path):
    settings = load_settings(demo.config_in(tmp_path))
    rows = pd.DataFrame(
        {"customer_id": ["a"], "p": [0.5], "driver": ["wait"], "product_line": ["x"]}
    )
    for run_id, day in (("b", 1), ("a", 2), ("c", 3)):
        put(settings, RIPE[0], rows, run_id, created=datetime(2024, 1, day, tzinfo=UTC))
    (found,) = newest_publications(settings.paths.out)
    assert found.run_id == "c"
    (found.folder / "risk_list.parquet").write_bytes(b"damaged")
    (found,) = newest_publications(settings.paths.out)
    assert found.run_id == "a"


def past(seed, level=1.0, sharpness=1.0):
    """Three publications of the same customers, who leave with ``level`` times the odds."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 15, 4_000)
    log_odds = np.log(p / (1 - p))
    true = 1 / (1 + np.exp(-(np.log(level) - 2.5 + sharpness * (log_odds + 2.5))))
    y = (rng.random(4_000) < true).astype(np.int8)
    out = Path("out")
    table = {
        "publication": np.repeat(np.arange(3), 4_000),
        "as_of_date": np.repeat(pd.DatetimeIndex(RIPE), 4_000),
        "customer_id": np.tile(np.arange(4_000).astype(str).astype(object), 3),
        "product_line": "electricity",
        "reason_1_driver": "wait",
        "risk_rank": np.tile(np.argsort(np.argsort(-p)) + 1, 3),
        "churn_probability": np.tile(p, 3),
        "label": np.tile(y, 3),
    }
    return LabelledRows(
        publications=tuple(Publication(out, day, "run") for day in RIPE),
        models=("churn/1",) * 3,
        table=pd.DataFrame(table),
        unlabelled={},
    )


@pytest.mark.parametrize("seed", range(5))
def test_alarms_of_calibration_ring_for_a_change_and_for_no_chance(seed):
    limits = Monitoring()

    def alarms(**changes):
        rows = past(seed, **changes)
        return list(performance_alarms(measure(rows, limits, 0.15, 90, 50), limits))

    assert alarms() == []
    (level,) = alarms(level=1.8)
    assert level.startswith("observed over expected")
    assert any(each.startswith("the calibration slope") for each in alarms(sharpness=0.3))


def test_precision_is_of_the_ranks_that_a_team_can_call():
    found = measure(past(0), Monitoring(capacity=100), 0.15, 90, 10)
    assert found.callable.rows == 300
    top = past(0).table.query("risk_rank <= 100")
    assert found.callable.observed == top["label"].sum()
    assert [each.rows for each in found.tenths] == [1_200] * 10
    rates = [each.rate for each in found.tenths]
    assert rates[0] > 3 * rates[-1]


def test_intervals_of_past_lists_include_the_swing_of_months():
    rows = past(0)
    still, swung = (measure(rows, Monitoring(), s, 90, 50) for s in (0.0, 0.3))
    for name in ("whole", "callable"):
        before, after = getattr(still, name).ratio, getattr(swung, name).ratio
        assert after.low < before.low < before.high < after.high
    for name in ("tenths", "product_lines", "drivers", "publications"):
        pairs = zip(getattr(still, name), getattr(swung, name), strict=True)
        assert all(b.ratio.high > a.ratio.high for a, b in pairs), name
    assert swung.card["log_loss"].high > still.card["log_loss"].high
    assert as_data(swung)["monthly_swing"] == 0.3


def test_one_class_alone_has_outcomes_but_no_scorecard():
    nobody = replace(past(0), table=past(0).table.assign(label=0))
    found = measure(nobody, Monitoring(), 0.15, 90, 10)
    assert found.card == {}
    (alarm,) = performance_alarms(found, Monitoring())
    assert alarm.startswith("observed over expected leavers is 0.00")


def test_alarms_of_inputs_name_the_features_beyond_the_limit():
    def moved(name, psi):
        return Drift(name, "wait", "support_wait", psi, psi, 0.0, 0.0, 1.5, 0.1, 0.2)

    features = (moved("wait_max_90d", 0.9), moved("wait_mean_90d", 0.2))
    calm = Inputs(TODAY, 10, moved("churn_probability", 0.1), {}, features)
    (alarm,) = input_alarms(calm, 0.25)
    assert "wait_max_90d (0.90)" in alarm
    assert "wait_mean" not in alarm
    assert list(input_alarms(calm, 1.0)) == []
    loud = replace(calm, score=moved("churn_probability", 2.0))
    assert len(list(input_alarms(loud, 1.0))) == 1


def test_a_source_that_stands_still_is_told(demo, trained):
    settings = load_settings(demo.config)
    snapshot = read_tables(Run(settings, TODAY, RunRecord("r", "monitor", "")))
    first = source_health(snapshot, "Europe/Oslo", TODAY, None)
    assert all(source["standing_still_since"] is None for source in first)
    newest = {source["table"]: source["newest_event"] for source in first}
    before = {
        "date": "2024-02-01",
        "sources": [
            {"table": name, "newest_event": day if name == "contacts" else "2020-01-01"}
            for name, day in newest.items()
        ],
    }
    second = source_health(snapshot, "Europe/Oslo", TODAY, before)
    still = {s["table"]: s["standing_still_since"] for s in second if s["standing_still_since"]}
    assert still == {"contacts": "2024-02-01"}


def test_closed_gates_are_counted_over_the_records(tmp_path):
    for number, passed in enumerate([True, False, False]):
        gate = {"name": "rows", "value": number, "low": None, "high": 0, "passed": passed}
        fine = {"name": "fine", "value": 1.0, "low": None, "high": None, "passed": True}
        record = {"started_at": f"2024-01-0{number + 1}", "gates": [gate, fine]}
        (tmp_path / f"r{number}.json").write_text(json.dumps(record))
    (tmp_path / "torn.json").write_text("{")
    (found,) = gate_history(tmp_path)
    bounds = {"latest": 2, "low": None, "high": 0}
    assert found == {"gate": "rows", "runs": 3, "closed": 2, **bounds}


def test_the_summary_has_a_row_for_every_alarm(company, stille):
    from pipelines.jobs.entry import MONITOR
    from pipelines.monitoring.result import AlarmError

    config, _ = company("halved", 0.5)
    with pytest.raises(AlarmError) as rung:
        MONITOR.start(config, TODAY)
    rows = monitoring.rows(rung.value.result)
    assert [row[2] for row in rows if row[0] == "ALARM"] == list(rung.value.result.alarms)
    assert monitoring.markdown(rung.value.result).count("\n| ") == len(rows) + 1
