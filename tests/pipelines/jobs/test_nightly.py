"""A night publishes what the champion says of the tables, once, and never half."""

import json
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import yaml
from history import tell_late, truncate
from trees import records, tree

from features.catalog import Catalog, build_catalog
from features.contract import TABLES
from features.errors import ContractError, ModelError
from models.dataset.feature_spec import FeatureSpec
from pipelines.config import run
from pipelines.config.settings import load_settings
from pipelines.config.text_files import ACTIONS, text_file
from pipelines.explanation.answers import explain_customer
from pipelines.jobs.entry import NIGHTLY
from pipelines.jobs.read_tables import read_tables
from pipelines.lists.actions import load_actions
from pipelines.lists.contact import use_channel
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.gates import feature_columns, refuse_other_features
from pipelines.matrices.store import open_store
from pipelines.publication.manifest import MANIFEST
from pipelines.publication.reader import current, verify
from pipelines.runtime.atomic_files import digest
from pipelines.scoring.night import score_cohort
from pipelines.snapshots.facts import inputs_digest
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.snapshots.store import NEWEST, readable_snapshots
from pipelines.tracking import files, registry

EARLIER = date(2023, 12, 1)
FILES = {
    f"{name}.{ending}"
    for name in (
        *("risk_list", "risk_list.sv", "risk_list.en", "call_list", "write_list", "fix_list"),
        *("service_list", "leave_in_peace", "suppressed", "changes", "outcome_probabilities"),
        *("causes", "inbound"),
    )
    for ending in ("csv", "parquet")
} | {"report.html", "report.sv.html", "report.en.html"}
FILES |= {
    f"worklist.{name}.{language}.{ending}"
    for name in ("call", "write", "fix", "service", "leave_in_peace", "suppressed")
    for language in ("nb", "sv", "en")
    for ending in ("xlsx", "excel.csv")
}
SENTENCES = yaml.safe_load(text_file("reasons", "nb").read_text("utf-8"))["drivers"]
RULES = yaml.safe_load(ACTIONS.read_text("utf-8"))
ALLOWED = [
    *(f"contact_allowed_{channel}" for channel in ("phone", "sms", "email", "post")),
    "contact_block_reason",
]
COLUMNS = [
    *("schema_version", "run_id", "as_of_date", "customer_id", "product_line", "segment"),
    *("churn_probability", "horizon_days", "risk_band", "risk_rank", "risk_percentile"),
    *("risk_change_7d", "lane", "lane_rule", "is_new", "nights_on_list"),
    *("expected_value", "expected_value_high", "value_at_risk", "currency"),
    *(f"reason_{n}_{part}" for n in (1, 2, 3) for part in ("driver", "text", "contribution")),
    *("protective_1_driver", "protective_1_text", "suggested_action"),
    *("opening_text", "no_action_text", "do_not"),
    *("preferred_channel", "use_channel"),
    *ALLOWED,
    *("open_case_id", "binding_until", "last_contact_on"),
    *("arm", "data_quality", "model_version"),
]


@pytest.fixture
def listed(published) -> pd.DataFrame:
    return pd.read_parquet(published.publication.folder / "risk_list.parquet")


@pytest.fixture(scope="module")
def oracle_memory() -> dict[str, pd.DataFrame]:
    return {}


@pytest.fixture
def oracle(demo, tmp_path, oracle_memory) -> pd.DataFrame:
    """Scores, base and contributions by family and driver, from the stored text and LightGBM."""
    if not oracle_memory:
        oracle_memory["matrix"] = matrix_by_hand(demo, tmp_path)
        oracle_memory["scores"] = scores_by_hand(demo, oracle_memory["matrix"])
    return oracle_memory["scores"]


def matrix_by_hand(demo, folder: Path) -> pd.DataFrame:
    settings = load_settings(demo.config_in(folder, engine={"shard_size": 700}))
    snapshot = take_snapshot(settings, folder / "own")
    job = MatrixJob(catalog_of(settings.sources, snapshot), (demo.as_of,))
    parts = build_matrix(settings, snapshot, job, folder / "matrix", lambda: None)
    assert len(parts) > 1
    return pd.concat([pd.read_parquet(p.features) for p in parts], ignore_index=True)


def scores_by_hand(demo, matrix: pd.DataFrame) -> pd.DataFrame:
    columns = json.loads((demo.champion / "spec.json").read_bytes())["columns"]
    x = np.column_stack([encoded(matrix[c["name"]], c) for c in columns])
    booster = lgb.Booster(model_file=demo.champion / "booster_0.txt")
    numbers = json.loads((demo.champion / "calibration.json").read_bytes())
    raw = booster.predict(x, raw_score=True)
    lines = [numbers["product_lines"].get(line, numbers) for line in matrix["product_line"]]
    slope, intercept = (np.array([line[n] for line in lines]) for n in ("slope", "intercept"))
    assert len(set(slope)) == 2
    parts = booster.predict(x, pred_contrib=True) * slope[:, None]
    names = [f"{c['family']} {c['driver']}" for c in columns]
    drivers = pd.DataFrame(parts[:, :-1]).T.groupby(names).sum().T
    odds = slope * raw + intercept
    scores = {"p": 1 / (1 + np.exp(-odds)), "base": parts[:, -1] + intercept}
    return drivers.assign(customer_id=matrix["customer_id"], **scores).set_index("customer_id")


def encoded(values: pd.Series, column: dict[str, object]) -> np.ndarray:
    if column["kind"] == "number":
        return values.to_numpy("float32")
    codes = {word: code for code, word in enumerate(column["vocabulary"])}
    return values.map(codes).to_numpy("float32")


def test_the_night_wrote_every_file_and_its_manifest(published, trained):
    folder = published.publication.folder
    assert published.written
    assert {path.name for path in folder.iterdir()} == FILES | {"datapackage.json"}
    manifest = verify(folder)
    assert {entry["path"] for entry in manifest["resources"]} == FILES
    described = manifest["stille"]
    assert described["model_digest"] == trained.registered.digest
    assert described["model_version"] == "churn/1"
    assert described["as_of_date"] == "2024-03-01"
    [fields] = [
        entry["schema"]["fields"]
        for entry in manifest["resources"]
        if entry["path"] == "risk_list.csv"
    ]
    assert [field["name"] for field in fields] == COLUMNS
    assert (folder.parent.parent / "current").resolve() == folder.resolve()


def test_the_report_tells_of_this_night_and_names_nobody(published, listed):
    for name, language in (("report.html", "nb"), ("report.sv.html", "sv")):
        page = (published.publication.folder / name).read_text(encoding="utf-8")
        assert f'<html lang="{language}">' in page
        assert f"{len(listed):,}".replace(",", "\u00a0") in page
        assert not [customer for customer in listed["customer_id"] if customer in page]


def test_the_list_has_one_row_for_everyone_who_could_leave(demo, listed):
    assert list(listed.columns) == COLUMNS
    tables = demo.data / "tables"
    held = duckdb.sql(
        f"""select distinct customer_id from '{tables}/contracts.parquet'
        where started_on < date '{demo.as_of}' and contract_id not in (
            select contract_id from '{tables}/terminations.parquet'
            where notified_on < date '{demo.as_of}' )"""
    ).fetchall()
    assert listed["customer_id"].is_unique
    assert set(listed["customer_id"]) == {row[0] for row in held}
    assert set(listed["as_of_date"]) == {demo.as_of}


def test_probabilities_are_the_champions(listed, oracle):
    theirs = oracle.loc[listed["customer_id"], "p"].to_numpy()
    np.testing.assert_allclose(listed["churn_probability"], theirs, rtol=0, atol=5.1e-7)
    assert theirs.std() > 0.01


def by_family(drivers: pd.DataFrame) -> pd.DataFrame:
    return drivers.T.groupby(drivers.columns.str.split().str[0]).sum().T


def true_sentences(matrix: pd.DataFrame, driver: str, way: str) -> np.ndarray:
    """Whether a sentence about the driver has all that it says, and is about what happened."""
    rows = np.zeros(len(matrix), dtype=bool)
    for variant in SENTENCES[driver][way]:
        whole = {"say": variant} if isinstance(variant, str) else variant
        text, bounds = whole["say"], whole.get("when", {})
        facts = {*re.findall(r"{(\w+)", text), *bounds}
        if facts and facts <= set(matrix.columns):
            said = matrix[[*facts]].notna().all(axis=1)
            for fact, (low, high) in bounds.items():
                said &= matrix[fact].between(
                    -np.inf if low is None else low, np.inf if high is None else high
                )
            rows |= said.to_numpy()
    return rows


def acted_on(matrix: pd.DataFrame, driver: str) -> np.ndarray:
    """Whether an action of the rule table fits the customer's own facts."""
    fits = np.zeros(len(matrix), dtype=bool)
    for step in RULES["drivers"].get(driver, {}).get("actions", []):
        bounds = step.get("when", {}) if isinstance(step, dict) else {}
        if set(bounds) <= set(matrix.columns):
            known = [
                matrix[fact].between(
                    -np.inf if low is None else low, np.inf if high is None else high
                )
                for fact, (low, high) in bounds.items()
            ]
            fits |= np.logical_and.reduce([np.ones(len(matrix), dtype=bool), *known])
    return fits


def test_reasons_are_the_largest_contributions_of_what_can_be_said(listed, oracle, oracle_memory):
    """One a family that raises the risk as a whole; what can be acted on first, from 0.05 on."""
    matrix = oracle_memory["matrix"].set_index("customer_id").loc[listed["customer_id"]]
    drivers = oracle.loc[listed["customer_id"]].drop(columns=["p", "base"])
    families = by_family(drivers)
    explained = listed["reason_1_driver"].notna().to_numpy()
    for way, slots in ((1, ["reason_1", "reason_2", "reason_3"]), (-1, ["protective_1"])):
        direction = "raises" if way == 1 else "lowers"
        best, named, own = {}, {}, {}
        for family in families:
            codes = [name.split()[1] for name in drivers if name.split()[0] == family]
            values = way * drivers[[f"{family} {code}" for code in codes]].to_numpy()
            said = np.column_stack([true_sentences(matrix, code, direction) for code in codes])
            said &= (values > 0) & (way * families[[family]].to_numpy() > 0)
            acted = np.column_stack([acted_on(matrix, code) for code in codes]) & (way == 1)
            rank = np.where(said, values + 100.0 * (acted & (values >= 0.05)), 0.0)
            at = rank.argmax(axis=1)
            best[family], named[family] = rank.max(axis=1), np.array(codes)[at]
            own[family] = values[np.arange(len(values)), at]
        ranks, codes, values = (np.column_stack([*each.values()]) for each in (best, named, own))
        order = np.argsort(-ranks, axis=1, kind="stable")
        for place, slot in enumerate(slots):
            given = listed[f"{slot}_driver"].notna().to_numpy()
            assert given.mean() > 0.3, slot
            at = (np.arange(len(listed)), order[:, place])
            assert (given == (ranks[at] > 0))[explained].all(), slot
            assert (listed[f"{slot}_driver"].to_numpy() == codes[at])[given].all()
            if way == 1:
                told = listed.loc[given, f"{slot}_contribution"]
                np.testing.assert_allclose(told, values[at][given], rtol=0, atol=1e-6)


@pytest.mark.promise("additive")
def test_the_families_and_the_base_make_the_score(oracle):
    odds = np.log(oracle["p"] / (1 - oracle["p"]))
    total = by_family(oracle.drop(columns=["p", "base"])).sum(axis=1) + oracle["base"]
    np.testing.assert_allclose(total, odds, rtol=0, atol=1e-6)


def test_outcomes_by_horizon_add_up_and_are_the_stored_models(demo, published, listed, tmp_path):
    folder = published.publication.folder
    rows = pd.read_csv(folder / "outcome_probabilities.csv", dtype="str")
    told = json.loads((demo.champion / "incidence.json").read_bytes())
    names = ["stayed", *told["causes"]]
    order = rows["customer_id"][::3].tolist()
    assert rows["customer_id"].tolist() == np.repeat(order, 3).tolist()
    assert set(order) == set(listed["customer_id"])
    risk = listed.set_index("customer_id")["churn_probability"].loc[order]
    assert (np.diff(risk) <= 0).all()
    assert rows["horizon_days"].tolist() == ["30", "90", "180"] * len(listed)
    millionths = rows[names].map(lambda text: int(text.replace(".", "")))
    assert (millionths.sum(axis=1) == 1_000_000).all()
    by_horizon = millionths.to_numpy().reshape(-1, 3, len(names))
    assert (np.diff(by_horizon[:, :, 1:], axis=1) >= 0).all()
    assert (by_horizon[:, :, 1].std(axis=0) > 3_000).all()
    matrix = matrix_by_hand(demo, tmp_path).set_index("customer_id").loc[order]
    expected = incidence_by_hand(demo, matrix, told)
    np.testing.assert_allclose(by_horizon / 1e6, expected, atol=1e-6 * len(names))
    twin = pd.read_parquet(folder / "outcome_probabilities.parquet")
    np.testing.assert_allclose(twin[names].to_numpy() * 1e6, millionths, atol=1e-6)


def incidence_by_hand(demo, matrix: pd.DataFrame, told: dict) -> np.ndarray:
    """Aalen and Johansen's sums written out over the stored booster's answers."""
    columns = json.loads((demo.champion / "spec.json").read_bytes())["columns"]
    x = np.column_stack([encoded(matrix[c["name"]], c) for c in columns])
    booster = lgb.Booster(model_file=demo.champion / "incidence_0.txt")
    still, ended, out = np.ones(len(x)), np.zeros((len(x), len(told["causes"]))), []
    for number, start in enumerate(told["baseline"]):
        wide = np.column_stack([x, np.full(len(x), number)])
        odds = np.exp(booster.predict(wide, raw_score=True) + np.add(start, told["level"]))
        chances = odds / odds.sum(axis=1, keepdims=True)
        ended = ended + still[:, None] * chances[:, 1:]
        still = still * chances[:, 0]
        out.append(np.column_stack([still, ended]))
    return np.stack([out[0], out[2], out[5]], axis=1)


def test_a_contact_is_worth_what_the_formula_says(demo, published, listed):
    """EV = q·(p·γ·(V − d) − (1 − p)·(ψ·d + ω·V)) − f with the demo's figures, by hand.

    What is lost tells ω: nothing of the awake, one share of all sleepers, 3.85 % of all stayers.
    """
    margins = pd.read_parquet(demo.data / "tables" / "customers.parquet").set_index("customer_id")
    margin = margins.loc[listed["customer_id"], "margin_per_year"].astype(float).to_numpy() / 100
    p = listed["churn_probability"].to_numpy()
    by_line = listed.groupby("product_line")["churn_probability"].transform("mean").to_numpy()
    rate = np.log(1.08) - np.log(1 - by_line) * 365 / 90
    value = np.where(np.isnan(margin), 1500, margin) * (1 - np.exp(-4 * rate)) / rate
    value = np.maximum(value, 4 * (30 + 300))
    chances = pd.read_parquet(published.publication.folder / "outcome_probabilities.parquet")
    chances = chances[chances["horizon_days"].eq(90)].set_index("customer_id")
    q = chances.loc[listed["customer_id"], ["stayed", "voluntary"]].sum(axis=1).to_numpy()
    assert 0.8 < q.min() < q.max() < 1
    offered = 300 * listed["suggested_action"].isin(["A4", "A11", "A13", "A15", "A16"]).to_numpy()
    gained = q * (p * 0.3 * (value - offered) - (1 - p) * 0.1 * offered) - 30
    # By e-mail or letter all but the cost counts 0.3 times, as that many take notice.
    cost = {"email": 5.0, "post": 25.0, "sms": 1.0}
    by = use_channel(listed, listed["preferred_channel"], ("phone", *cost)).map(cost)
    calls = {name for name, rule in load_actions(ACTIONS).actions.items() if rule.lane == "call"}
    paid = by.where(listed["suggested_action"].isin(calls)).to_numpy()
    phoned = np.where(
        np.isnan(paid), listed["expected_value"], (listed["expected_value"] + paid) / 0.3 - 30
    )
    woken = (gained - phoned) / (q * (1 - p) * value)
    asleep = woken > 0.0385 / 2
    assert 0.1 < asleep.mean() < 0.7
    np.testing.assert_allclose(woken[~asleep], 0, atol=1e-4)
    np.testing.assert_allclose(woken[asleep], np.median(woken[asleep]), atol=1e-4)
    assert ((1 - p) * woken).sum() == pytest.approx(0.0385 * (1 - p).sum(), rel=1e-3)
    np.testing.assert_allclose(listed["value_at_risk"], q * p * value, rtol=1e-4, atol=0.05)
    assert set(listed["currency"]) == {"NOK"}
    assert (listed["expected_value"] > 0).any()


def test_what_to_do_follows_from_the_reasons_and_the_rule_table(listed):
    rules = load_actions(ACTIONS)
    told = listed[listed["suggested_action"].notna()]
    assert len(told) > 0.5 * listed["reason_1_driver"].notna().sum()
    for row in told.itertuples():
        drivers = (row.reason_1_driver, row.reason_2_driver, row.reason_3_driver)
        actions = [rules.drivers[d].codes for d in drivers if d in rules.drivers]
        assert row.suggested_action in {action for few in actions for action in few}


def test_ranks_percentiles_and_bands_follow_the_probabilities(published, listed):
    p = listed["churn_probability"].to_numpy()
    assert (np.diff(p) <= 0).all()
    assert listed["risk_rank"].tolist() == [int((p > value).sum()) + 1 for value in p]
    percentile = [round(100 * float((p <= value).mean()), 2) for value in p]
    assert listed["risk_percentile"].tolist() == pytest.approx(percentile, abs=0.0051)
    shares = listed["risk_band"].value_counts() / len(listed)
    one_row = 1 / len(listed)
    assert shares["very_high"] == pytest.approx(0.01, abs=one_row)
    assert shares["high"] == pytest.approx(0.04, abs=2 * one_row)
    assert shares["medium"] == pytest.approx(0.15, abs=2 * one_row)
    lowest = listed.groupby("risk_band")["churn_probability"].min()
    thresholds = verify(published.publication.folder)["stille"]["thresholds"]
    assert thresholds == {name: lowest[name] for name in ("medium", "high", "very_high")}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_sentences_are_short_and_in_each_language(published, listed, language):
    other = pd.read_parquet(published.publication.folder / f"risk_list.{language}.parquet")
    texts = [name for name in COLUMNS if name.endswith("_text")]
    codes = [name for name in COLUMNS if name not in texts]
    pd.testing.assert_frame_equal(listed[codes], other[codes])
    for frame in (listed, other):
        said = frame[texts].melt()["value"].dropna()
        assert said.str.len().min() > 0
        assert said.str.len().max() <= 140
        assert not said.str.contains(r"[{}]|\b(?:nan|None|NaT)\b").any()
    reason = listed["reason_1_text"].notna()
    assert (reason == listed["reason_1_driver"].notna()).all()
    assert (listed.loc[reason, "reason_1_text"] != other.loc[reason, "reason_1_text"]).all()


@pytest.mark.promise("spreadsheet")
def test_the_csv_says_what_its_parquet_twin_says(published, listed):
    csv = pd.read_csv(published.publication.folder / "risk_list.csv", dtype={"schema_version": str})
    assert list(csv.columns) == COLUMNS
    same = ["customer_id", "churn_probability", "risk_rank", "risk_band", "reason_1_text"]
    pd.testing.assert_frame_equal(csv[same], listed[same], check_dtype=False)


@pytest.mark.promise("idempotent")
def test_a_second_run_changes_nothing_and_says_so(demo, published):
    before = tree(demo.out)
    times = {path: path.lstat().st_mtime_ns for path in demo.out.rglob("*")}
    again = NIGHTLY.start(demo.config, demo.as_of)
    assert (again.publication, again.written) == (published.publication, False)
    assert tree(demo.out) == before
    kept = {path: path.lstat().st_mtime_ns for path in demo.out.rglob("*")}
    times.pop(demo.out / ".lock"), kept.pop(demo.out / ".lock")
    assert kept == times
    first, *_, last = records(demo.var, "nightly")
    assert "nothing to do: this night is published already" in last["notes"]
    assert last["publication"] == first["publication"] == str(published.publication.folder)
    assert [stage["name"] for stage in last["stages"]] == ["champion", "tables"]
    assert (first["status"], first["exit_code"]) == ("succeeded", 0)
    scored = {stage["name"]: stage["rows_out"] for stage in first["stages"]}
    assert scored["lists"] == scored["scoring"] > 1_000
    assert not (demo.var / "matrix" / first["run_id"]).exists()


def test_a_dry_run_writes_what_the_night_publishes_then_and_publishes_nothing(demo, copied, stille):
    config = demo.config_in(copied)
    out, preview = copied / "out", copied / "var" / "preview"
    call = ("nightly", "--config", config, "--as-of", "2024-03-02")
    before = tree(out)
    assert "Dry run, published nowhere:" in stille(*call, "--dry-run").out
    done = stille(*call, "--dry-run", "--json")
    told = json.loads(done.out)
    assert (done.code, told["written"], told["dry_run"]) == (0, False, True)
    assert "before the published" in stille(*call[:-1], "2024-02-20", "--dry-run").err
    assert [path.parent for path in preview.glob(f"*/*/{MANIFEST}")] == [Path(told["folder"])]
    assert tree(out) == before

    assert stille(*call, "--plain").code == 0
    tried, night = current(preview).folder, current(out).folder
    assert night.parent.name == "2024-03-02"
    lists = [pd.read_parquet(folder / "risk_list.parquet") for folder in (tried, night)]
    pd.testing.assert_frame_equal(*(each.drop(columns="run_id") for each in lists))
    assert lists[0]["nights_on_list"].max() == 2
    assert [record["exit_code"] for record in records(copied / "var", "preview")] == [0, 0, 2]
    assert stille("forget", lists[0]["customer_id"][0], "--config", config, "--yes").code == 0
    assert not preview.exists()


def test_a_night_hashes_each_file_of_its_configuration_once(demo, published, monkeypatch):
    hashed = []
    monkeypatch.setattr(run, "digest", lambda path: hashed.append(path) or digest(path))
    NIGHTLY.start(demo.config, demo.as_of)
    assert len(hashed) == len(set(hashed)) > 1


@pytest.mark.promise("idempotent")
@pytest.mark.fault(18)
def test_changed_input_is_published_anew_and_an_older_day_is_refused(
    demo, published, copied, stille
):
    config = demo.config_in(copied, copied / "data")
    shorten(copied / "data" / "tables" / "reminders.parquet")
    store = open_store(load_settings(config), 1)
    nights = [date(2023, 1, day) for day in range(15, 23)]
    for night in nights:
        (store.root / f"as_of={night}").mkdir(parents=True)
    changed = NIGHTLY.start(config, demo.as_of)
    assert changed.written
    assert store.dates() == (*nights[2:], demo.as_of)
    out = copied / "out"
    assert current(out) == changed.publication
    assert len(list((out / "2024-03-01").iterdir())) == 2
    untouched = out / "2024-03-01" / published.publication.run_id
    assert tree(untouched) == tree(published.publication.folder)
    assert one_manifest(changed.publication.folder) != one_manifest(untouched)

    before = tree(out)
    refused = stille("nightly", "--plain", "--config", config, "--as-of", "2024-02-01")
    assert refused.code == 2
    assert "2024-02-01 is before the published 2024-03-01" in refused.err
    assert "--backfill" in refused.err
    assert tree(out) == before

    filled = stille(
        *("nightly", "--plain", "--config", config, "--as-of", "2024-02-01"), "--backfill", "--json"
    )
    assert filled.code == 0
    facts = json.loads(filled.out)
    assert verify(Path(facts["folder"]))["stille"]["as_of_date"] == "2024-02-01"
    assert len(facts["top"]) == 3
    assert current(out) == changed.publication
    kept = tree(out)
    assert {name: kept[name] for name in before} == before


def shorten(path: Path) -> None:
    rows = duckdb.sql(f"from '{path}'").to_arrow_table()
    rows = rows.slice(0, len(rows) - 1)
    duckdb.sql(f"copy (from rows) to '{path}' (format parquet)")


def read_again(config: Path, as_of: date) -> None:
    """As ``stille check --accept`` does, without its search for leaks."""
    with run.open_run("check", config, as_of) as reading:
        read_tables(reading, accept=True)


@pytest.mark.promise("together")
def test_a_night_scores_the_tables_it_read_whatever_others_read_meanwhile(demo, listed, copied):
    """Checks of other tables, each with a snapshot of its own, between reading and scoring."""
    config = demo.config_in(copied, copied / "data")
    shutil.rmtree(copied / "out")
    checked = []

    def step(function, *args):
        if function is score_cohort:
            for _ in range(NEWEST + 1):
                shorten(copied / "data" / "tables" / "reminders.parquet")
                read_again(config, demo.as_of)
                checked.append(function)
        return function(*args)

    night = NIGHTLY.start(config, demo.as_of, step)
    assert len(checked) == NEWEST + 1
    now = pd.read_parquet(night.publication.folder / "risk_list.parquet")
    pd.testing.assert_frame_equal(now.drop(columns="run_id"), listed.drop(columns="run_id"))
    store, read = copied / "var" / "snapshots", one_manifest(night.publication.folder)
    shorten(copied / "data" / "tables" / "reminders.parquet")
    read_again(config, demo.as_of)
    stay = [inputs_digest(snapshot) for snapshot in readable_snapshots(store)]
    assert (len(stay), stay[-1]) == (NEWEST + 1, read), "what explains the published list stays"
    assert len(list(store.iterdir())) == NEWEST + 1


def one_manifest(folder: Path) -> str:
    return str(verify(folder)["stille"]["inputs_digest"])


@pytest.mark.fault(33)
def test_without_a_champion_the_next_command_is_named(demo, stille, tmp_path):
    config = demo.config_in(tmp_path, tracking={"model": "absent"})
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 4
    assert "'absent'" in ended.err
    assert "stille train" in ended.err
    assert "Traceback" not in ended.err
    assert current(tmp_path / "out") is None
    (record,) = records(tmp_path / "var", "nightly")
    assert (record["status"], record["exit_code"]) == ("failed", 4)
    said = ended.err.replace("\n", " ").replace(f" --config {config}", "")
    assert record["error"]["message"] in said


@pytest.mark.fault(2)
def test_a_table_that_the_champion_needs_is_asked_for_by_name(demo, copied, stille):
    config = demo.config_in(copied, sources={"reminders": None})
    before = tree(copied / "out")
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 3
    [line] = [line for line in ended.err.splitlines() if line.startswith("  ")]
    table, _, named = line.strip().partition(": ")
    assert table == "reminders"
    assert "reminder_fees_365d" in named
    assert all(re.search("reminder|debt_collection", name) for name in named.split(", "))
    assert "model churn/1 needs tables or columns that are not given now" in ended.err
    assert "under sources in the configuration" in ended.err
    assert "stille train" in ended.err
    assert tree(copied / "out") == before
    (record,) = records(copied / "var", "nightly")
    assert (record["status"], record["exit_code"]) == ("failed", 3)


@pytest.mark.fault(2)
def test_a_table_that_the_champion_does_not_need_may_go(demo):
    settings = load_settings(demo.config)
    spec = files.load(settings, registry.champion_version(settings)).spec
    every = build_catalog(TABLES)
    assert not any("claims" in name for name in spec.names)
    refuse_other_features("m/1", restricted(spec, every), build_catalog(set(TABLES) - {"claims"}))


@pytest.mark.parametrize(
    ("tables", "absent", "asked"),
    [
        (set(TABLES) - {"claims", "surveys"}, [], ["  claims: claimed_amount_365d", "  surveys: "]),
        (set(TABLES), ["reminders.fee"], ["  reminders.fee: fees_without_friendly_reminder_365d"]),
        (
            set(TABLES) - {"households", "household_notices"},
            [],
            ["  household_notices (made from households and terminations): "],
        ),
    ],
)
def test_tables_and_columns_that_are_missing_are_named(tables, absent, asked):
    spec = FeatureSpec(feature_columns(build_catalog(TABLES)))
    with pytest.raises(ContractError) as refused:
        refuse_other_features("m/1", spec, build_catalog(tables, absent=absent))
    assert refused.value.exit_code == 3
    assert [words for words in asked if words not in str(refused.value)] == []


def restricted(spec: FeatureSpec, catalog: Catalog) -> FeatureSpec:
    """The features of a spec with the definitions that a catalog gives them."""
    columns = {column.name: column for column in feature_columns(catalog)}
    return FeatureSpec(tuple(columns[name] for name in spec.names if name in columns))


@pytest.mark.promise("features")
@pytest.mark.fault(34)
def test_a_feature_defined_otherwise_is_refused_by_name(demo):
    settings = load_settings(demo.config)
    snapshot = take_snapshot(settings, demo.var / "snapshots", as_of=demo.as_of)
    catalog = catalog_of(settings.sources, snapshot)
    registered = registry.champion_version(settings)
    spec = files.load(settings, registered).spec
    refuse_other_features(registered.label, spec, catalog)
    name = spec.names[7]
    changed = replace(
        catalog,
        features=tuple(
            replace(f, expression=f"1 + {f.expression}") if f.name == name else f
            for f in catalog.features
        ),
    )
    with pytest.raises(ModelError, match=rf"none; defined otherwise now: {name}\b"):
        refuse_other_features(registered.label, spec, changed)


@pytest.mark.promise("whole_model")
@pytest.mark.fault(36)
@pytest.mark.parametrize("how", ["changed", "added"])
def test_a_tampered_model_never_scores(demo, copied, stille, how):
    config = demo.config_in(copied)
    booster = demo.champion / "booster_0.txt"
    before, text = tree(copied / "out"), booster.read_bytes()
    added = booster.with_name("run_me.py")
    try:
        if how == "changed":
            booster.write_bytes(text.replace(b"leaf_value=", b"leaf_value=9", 1))
        else:
            added.write_text("raise SystemExit('ran')")
        ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    finally:
        booster.write_bytes(text)
        added.unlink(missing_ok=True)
    assert ended.code == 4
    assert ("digest" if how == "changed" else "run_me.py") in ended.err
    assert "stille train" in ended.err
    assert tree(copied / "out") == before


def test_nobody_to_score_is_an_error_and_not_an_empty_list(demo, stille, tmp_path):
    config = demo.config_in(tmp_path)
    ended = stille("nightly", "--plain", "--config", config, "--as-of", "1990-01-01")
    assert ended.code == 3
    assert "nobody had an active contract on 1990-01-01" in ended.err
    assert current(tmp_path / "out") is None
    assert not list(tmp_path.glob("out/.staging-*"))
    assert not list(tmp_path.glob("var/matrix/*"))


@pytest.mark.promise("backfill")
def test_a_night_seen_from_later_equals_the_night_itself(demo, tmp_path):
    """The history of 90 more days, rows known late among them, changes no published number.

    Only who may be contacted is read as it is now, whatever day the list stands on.
    """
    then = tmp_path / "then"
    removed, hidden = truncate(demo.data / "tables", then / "data" / "tables", EARLIER)
    assert removed > 10_000
    assert hidden > 0
    now = tmp_path / "now"
    assert tell_late(demo.data / "tables", now / "data" / "tables", EARLIER) > 10_000
    # So many rows of one known_at look like a migration, until a person has let them through.
    read_again(demo.config_in(now, now / "data"), EARLIER)
    scores = []
    for folder in (now, then):
        night = NIGHTLY.start(demo.config_in(folder, folder / "data"), EARLIER)
        scores.append(pd.read_parquet(night.publication.folder / "risk_list.parquet"))
    current_ones = ("run_id", "lane", "lane_rule", "is_new", "nights_on_list", *ALLOWED)
    current_ones += ("use_channel", "expected_value", "expected_value_high")  # by what is allowed
    pd.testing.assert_frame_equal(*(frame.drop(columns=[*current_ones]) for frame in scores))


@pytest.mark.promise("bounded", "deterministic")
def test_shards_change_no_published_number(demo, tmp_path, monkeypatch):
    """Few rows explained, so that most customers have only what lists need of everybody."""
    monkeypatch.setenv("STILLE_HOLDOUT_KEY", "k" * 20)
    nights, told = [], []
    for shards, size in (("one", 50_000), ("many", 450)):
        folder = tmp_path / shards
        folder.mkdir()
        given = {"engine": {"shard_size": size}, "list": {"explained_rows": 150}}
        config = demo.config_in(folder, demo.data, **given)
        night = NIGHTLY.start(config, demo.as_of)
        nights.append(night.publication.folder)
        first = pd.read_parquet(nights[0] / "risk_list.parquet")["customer_id"].iloc[:2]
        told.append([explain_customer(config, customer).sentences for customer in first])
    assert told[0] == told[1]
    for name in sorted(path.name for path in nights[0].glob("*.parquet")):
        one, many = (pd.read_parquet(folder / name) for folder in nights)
        changing = [column for column in one if column == "run_id"]
        pd.testing.assert_frame_equal(one.drop(columns=changing), many.drop(columns=changing))
    rows = pd.read_parquet(nights[0] / "risk_list.parquet")
    assert rows["reason_1_driver"].notna().sum() <= 150 < len(rows) / 2
    assert rows["do_not"].iloc[150:].notna().any()
