"""``stille effect`` on publications with arms and a small company's terminations."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from models.causal.treatment_effect import measure_effects
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.effect.assignments import arms_until
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.treatment_record import assignments_of
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes
from pipelines.runtime.run_record import open_record
from pipelines.simulator.simulate import simulate

_FIRST, _SECOND, _TODAY = date(2024, 1, 10), date(2024, 3, 1), date(2024, 5, 1)
_NAME = "risk_list.parquet"


def publish(out: Path, as_of: date, rows: dict[str, list[str | None]]) -> None:
    folder = out / as_of.isoformat() / "nightly-1"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({k: pa.array(v, pa.string()) for k, v in rows.items()}), folder / _NAME)
    stamp = Stamp(
        as_of, "nightly-1", datetime(2024, 1, 1, tzinfo=UTC), "i", "c", "churn/1", "m", 90, {}
    )
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))


def arms_of(customers: int, effect: float) -> tuple[dict[str, list[str | None]], list[int]]:
    """A night's list that holds half of those to call out, and the numbers of who leaves."""
    rng = np.random.default_rng(4)
    held_out = rng.random(customers) < 0.5
    left = rng.random(customers) < np.where(held_out, 0.2, 0.2 + effect)
    rows: dict[str, list[str | None]] = {
        "customer_id": [f"C{n:05d}" for n in range(customers)],
        "lane": ["suppressed" if held else "call" for held in held_out],
        "lane_rule": ["holdout" if held else None for held in held_out],
        "suggested_action": ["A9"] * customers,
        "risk_band": ["high"] * customers,
    }
    for name, value in zip(rows, ("X", "fix", None, "A2", "low"), strict=True):
        rows[name].append(value)
    return rows, np.flatnonzero(left).tolist()


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """Config of 2,000 customers, half called on the first list, where calling does harm."""
    rows, left = arms_of(2_000, effect=0.1)
    publish(tmp_path / "out", _FIRST, rows)
    publish(tmp_path / "out", _SECOND, rows)
    ids = rows["customer_id"]
    tables = {
        "customers": {"customer_id": ids},
        "contracts": {
            "contract_id": ids,
            "customer_id": ids,
            "product_line": ["electricity"] * len(ids),
            "started_on": [date(2023, 1, 1)] * len(ids),
        },
        "terminations": {
            "contract_id": [ids[n] for n in left],
            "customer_id": [ids[n] for n in left],
            "notified_on": [date(2024, 1, 10 + n % 20) for n in left],
            "effective_on": [date(2024, 3, 1)] * len(left),
            "outcome": ["voluntary"] * len(left),
        },
    }
    (tmp_path / "data").mkdir()
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / "data" / f"{name}.parquet")
    document = {
        "company": {
            "name": "Small",
            "timezone": "Europe/Oslo",
            "currency": "NOK",
            "language": "nb",
        },
        "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
        "sources": {
            name: {"path": f"{name}.parquet", "known_delay_days": 0}
            | ({"static": True} if name == "customers" else {})
            for name in tables
        },
        "training": {"first_as_of": date(2023, 6, 1)},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return tmp_path


def test_harm_ends_with_code_6_once_all_is_written(company, stille) -> None:
    ended = stille("effect", "--config", company / "config.yaml", "--as-of", _TODAY)
    assert ended.code == 6
    assert "contacting raises leaving" in ended.err
    assert "HARMS: more leave" in ended.out
    found = json.loads((company / "var" / "effect" / f"{_TODAY}.json").read_bytes())
    assert found["source"] == "publications"
    assert found["customers"] == 2_000
    assert found["verdict"].startswith("Contact drives customers away: of 100 drawn for contact, ")
    assert found["verdict"] in ended.out.replace("\n", " ")
    assert "all=all" in found["harmful"]
    everybody = found["effects"][0]
    assert everybody["treated"] + everybody["held_out"] == 2_000
    assert everybody["difference"]["low"] > 0
    assert everybody["difference"]["value"] == pytest.approx(0.1, abs=0.04)


def test_outreaches_in_writing_count_as_the_calls_that_the_configuration_says(company, stille):
    rows, _ = arms_of(2_000, 0.0)
    channels = [
        ("phone", "post")[n % 2] if lane == "call" else None for n, lane in enumerate(rows["lane"])
    ]
    publish(company / "out", date(2024, 1, 9), rows | {"use_channel": channels})
    document = yaml.safe_load((company / "config.yaml").read_text("utf-8"))
    document["contact"] = {"channels": {"post": {"reach": 0.2}}}
    (company / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    ended = stille("effect", "--config", company / "config.yaml", "--as-of", _TODAY, "--json")
    called = [channel for channel in channels if channel]
    expected = (called.count("phone") + 0.2 * called.count("post")) / len(called)
    assert json.loads(ended.out)["lots"][0]["channel_reach"] == pytest.approx(expected)
    assert json.loads(ended.out)["calls"] == {"reported": 0, "reached": 0}


def test_a_trial_before_the_first_list_is_a_lot_of_its_own(company, stille):
    """Of 300 reported before the first list every third is held out; later ones are the list's."""
    number = range(400)
    days = [date(2023, 6, 1) if n < 300 else _FIRST for n in number]
    treatments = {
        "treatment_id": [f"t{n}" for n in number],
        "customer_id": [f"C{n:05d}" for n in number],
        "treated_at": [datetime(day.year, day.month, day.day, 10, tzinfo=UTC) for day in days],
        "arm": ["holdout" if n % 3 == 0 else "treat" for n in number],
        "channel": ["email"] * 400,
    }
    pq.write_table(pa.table(treatments), company / "data" / "treatments.parquet")
    document = yaml.safe_load((company / "config.yaml").read_text("utf-8"))
    document["sources"]["treatments"] = {"path": "treatments.parquet", "known_delay_days": 0}
    (company / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    stille("effect", "--config", company / "config.yaml", "--as-of", _TODAY)
    found = json.loads((company / "var" / "effect" / f"{_TODAY}.json").read_bytes())
    lists, earlier = found["lots"]
    assert (lists["source"], lists["treated"] + lists["held_out"]) == ("publications", 2_000)
    assert (earlier["source"], earlier["treated"], earlier["held_out"]) == ("treatments", 200, 100)
    assert (lists["channel_reach"], earlier["channel_reach"]) == (1.0, 0.3)
    assert found["customers"] == 2_000, "the verdict is of the lists alone"


def test_before_the_horizon_is_over_nothing_is_said(company, stille) -> None:
    ended = stille("effect", "--config", company / "config.yaml", "--as-of", "2024-04-22", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert (found["customers"], found["waiting"]) == (0, 2_000)
    assert {each["verdict"] for each in found["effects"]} == {"not_measurable_yet"}
    assert found["effects"][0]["needed"] is None


def test_a_household_is_compared_once(company, stille) -> None:
    """The first two live together; the next are about to, and of the last it is known too late."""
    early, late = date(2023, 5, 1), date(2024, 1, 20)
    homes = pa.table(
        {
            "customer_id": [f"C{n:05d}" for n in range(6)],
            "household_id": ["H1", "H1", "H2", "H2", "H3", "H3"],
            "valid_from": [early, early, late, late, early, early],
            "known_at": [
                datetime(day.year, day.month, day.day, tzinfo=UTC)
                for day in (early, early, late, late, late, late)
            ],
        }
    )
    pq.write_table(homes, company / "data" / "households.parquet")
    document = yaml.safe_load((company / "config.yaml").read_text("utf-8"))
    document["sources"]["households"] = {"path": "households.parquet"}
    (company / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    ended = stille("effect", "--config", company / "config.yaml", "--as-of", _TODAY, "--json")
    assert json.loads(ended.out)["customers"] == 1_999


def test_only_who_was_called_or_held_out_from_a_call_has_an_arm(tmp_path: Path) -> None:
    rows, _ = arms_of(50, 0.0)
    publish(tmp_path, _FIRST, rows)
    publish(tmp_path, _TODAY, rows)
    old = {name: rows[name] for name in ("customer_id", "risk_band")}
    publish(tmp_path, date(2023, 12, 1), old)
    found = assignments_of(tmp_path, _TODAY).to_pylist()
    assert {row["assigned_on"] for row in found} == {_FIRST}
    assert len(found) == 50
    held_out = [lane == "suppressed" for lane in rows["lane"][:50]]
    assert [row["arm"] == "holdout" for row in found] == held_out
    assert {(row["lane"], row["action"], row["product_line"]) for row in found} == {
        ("call", "A9", None)
    }


@pytest.mark.proof
def test_companies_that_contact_in_vain_show_no_effect(tmp_path, monkeypatch) -> None:
    """A/A through files, tables and the CRM's own arms: 40 intervals, hardly one wrong."""
    monkeypatch.chdir(Path(__file__).parents[3])
    wrong, looks = 0, 0
    for seed in range(10):
        folder = tmp_path / str(seed)
        simulate(folder / "data", customers=3_000, months=24, seed=seed)
        document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
        document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
        (folder / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        settings, today = load_settings(folder / "config.yaml"), date(2024, 1, 1)
        with open_record(settings.paths.runs, "effect-1", "effect") as record:
            snapshot = read_tables(Run(settings, today, record))
        assigned = arms_until(settings, snapshot, today).lots[0].assigned
        for found in measure_effects(assigned)[:4]:
            looks += 1
            wrong += not found.difference.low <= 0 <= found.difference.high
    assert looks == 40
    assert wrong <= 2
