"""The leak detector on matrices that the real pipeline builds, and what a run does about it."""

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import mlflow
import numpy as np
import pytest
import yaml
from leaky import PLANTS, WINDOW, Company, customers_by_outcome
from trees import records

from features.errors import ConfigError, GateError
from models.dataset.examples import Examples
from models.leaks.search import find_leaks
from models.leaks.verdict import Leak
from pipelines import tracking
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs.check import check_tables
from pipelines.jobs.entry import TRAIN
from pipelines.jobs.read_tables import CHECK_PAGE, read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.simulate import simulate
from pipelines.training.examples import TrainingData, make_examples
from pipelines.training.leaks import LeakSearch, customers_as_filed, search_leaks

MONTHS = 20
KNOWN = date(2023, 9, 1)
AS_OF = {
    "telco": date(2018, 1, 1),
    "powerco": date(2016, 2, 1),
    "cell2cell": date(2002, 1, 1),
    "trupanion": date(2017, 1, 1),
}
REASON = "planted by a test"


def learned(settings: Settings, day: date) -> TrainingData:
    run = Run(settings, day, RunRecord("r", "train", "x"))
    return make_examples(run, read_tables(run))


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated company: its configuration and its examples."""

    settings: Settings
    prepared: TrainingData

    @property
    def examples(self) -> Examples:
        return self.prepared.examples


def simulated(root: Path, folder: Path, seed: int) -> Simulated:
    customers = 800 + 37 * seed % 700
    simulate(folder / "data", customers=customers, months=MONTHS, seed=seed)
    document = yaml.safe_load((root / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    settings = load_settings(path)
    return Simulated(settings, learned(settings, KNOWN))


@pytest.fixture(scope="module")
def companies(tmp_path_factory, request) -> list[Simulated]:
    root = Path(request.config.rootpath)
    return [simulated(root, tmp_path_factory.mktemp(f"seed{seed}"), seed) for seed in (1, 2)]


def refused(examples: Examples, filed: np.ndarray | None = None) -> list[Leak]:
    return [f for f in find_leaks(examples, WINDOW, filed) if f.refuses]


def test_clean_simulated_companies_raise_no_alarm(companies):
    assert [refused(company.examples) for company in companies] == [[], []]


@pytest.mark.proof
def test_fifty_clean_simulated_companies_raise_at_most_one_alarm(root, tmp_path):
    alarms = []
    for seed in range(1, 51):
        folder = tmp_path / str(seed)
        folder.mkdir()
        alarms += refused(simulated(root, folder, seed).examples)[:1]
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize("name", PLANTS)
def test_a_leak_planted_into_a_simulated_company_is_found_and_named(name, companies):
    planted = PLANTS[name](Company.of(companies[0].examples, 0))
    told = refused(planted.examples)
    assert [f for f in told if f.column in planted.names and f.kind in planted.kinds]
    assert all(any(f.column in given for given in planted.names) for f in told)


def test_a_customer_file_in_the_order_of_outcomes_is_found(companies):
    examples = companies[0].examples
    told = refused(examples, customers_by_outcome(examples))
    assert [f.kind for f in told] == ["row_order"]


@pytest.mark.parametrize(
    "name", ["telco", *(pytest.param(n, marks=pytest.mark.slow) for n in list(AS_OF)[1:])]
)
def test_the_public_sets_as_mapped_are_not_refused(name, root, example_data, tmp_path, monkeypatch):
    for part in ("VAR", "OUT"):
        monkeypatch.setenv(f"STILLE__PATHS__{part}", str(tmp_path / part.lower()))
    settings = load_settings(root / "configs" / "examples" / f"{name}.yaml")
    prepared = learned(settings, AS_OF[name])
    filed = customers_as_filed(settings)
    found = find_leaks(prepared.examples, settings.label_window(), filed)
    assert not [f for f in found if f.refuses]
    # Trupanion numbers its policies as they are written, and young policies lapse sooner.
    assert [f.kind for f in found] == (["id_order"] if name == "trupanion" else [])


def searched(simulated: Simulated, **overrides: str) -> tuple[LeakSearch, RunRecord]:
    """Search examples with one planted leak."""
    planted = PLANTS["null only for leavers"](Company.of(simulated.examples, 0))
    training = simulated.settings.training.model_copy(update={"leak_override": overrides})
    settings = simulated.settings.model_copy(update={"training": training})
    record = RunRecord("r", "train", "x")
    run = Run(settings, date(2024, 1, 1), record)
    return search_leaks(run, TrainingData(planted.examples, {}, ())), record


def test_a_finding_closes_a_gate(companies):
    search, record = searched(companies[0])
    assert [(g.name, g.value, g.passed) for g in record.gates] == [("suspected_leaks", 1, False)]
    assert search.warning is not None
    assert search.warning.message.startswith("attr_limit gives the answer away: attr_limit is")
    (row,) = json.loads(search.to_json())
    assert (row["kind"], row["column"], row["override"]) == ("leavers_only", "attr_limit", None)
    assert row["evidence"]["leavers"] > 20


def test_an_override_by_name_opens_it_and_is_written_down(companies):
    search, record = searched(companies[0], attr_limit=REASON, attr_other=REASON)
    assert search.warning is None
    assert record.gates[-1].passed
    assert record.notes[0].startswith(f"let through by a person ({REASON}): attr_limit is missing")
    assert record.notes[1:] == ["training.leak_override: nothing was found on attr_other"]
    (row,) = json.loads(search.to_json())
    assert row["override"] == REASON


def test_an_override_needs_a_reason(company):
    training = {"first_as_of": "2023-01-01", "leak_override": {"attr_limit": " ok "}}
    with pytest.raises(ConfigError, match=r"training\.leak_override\.attr_limit"):
        company(training=training)


def test_the_order_of_the_file_is_read_from_the_file(company):
    rows = "customer_id,joined_on\n7,2020-01-01\n10,2020-01-01\n2,2020-01-01\n"
    settings = company({"customers.csv": rows})
    assert customers_as_filed(settings).tolist() == ["7", "10", "2"]


def leaking(demo, folder: Path) -> None:
    """Copy the demo's tables, and mark nine of ten leavers in the customer table."""
    shutil.copytree(demo.data / "tables", folder / "data" / "tables")
    target = folder / "data" / "tables" / "customers.parquet"
    tables = demo.data / "tables"
    duckdb.sql(
        f"""
        copy (
            select c.*, case when t.customer_id is not null and hash(c.customer_id) % 10 > 0
                then 'closing' else 'open' end as state
            from '{tables / "customers.parquet"}' c
            left join (select distinct customer_id from '{tables / "terminations.parquet"}'
                where outcome = 'voluntary') t using (customer_id)
        ) to '{target}'
        """
    )


def leaking_config(demo, folder: Path) -> Path:
    leaking(demo, folder)
    state = {"column": "state", "type": "category", "static": True, "doc": "State."}
    sources = dict(demo.document["sources"])
    sources["customers"] = {**sources["customers"], "attributes": {"state": state}}
    return demo.config_in(folder, data=folder / "data", sources=sources)


def test_check_looks_for_leaks_where_somebody_left(demo, tmp_path):
    found = (check_tables(demo.config_in(tmp_path, data=demo.data), demo.as_of)).page.read_text()
    assert "No column gives the answer away in " in found


def test_check_refuses_a_leak_before_anything_is_trained(demo, tmp_path):
    config = leaking_config(demo, tmp_path)
    with pytest.raises(GateError, match="attr_state gives the answer away: attr_state "):
        check_tables(config, demo.as_of)
    (record,) = records(tmp_path / "var", "check")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    page = (load_settings(config).paths.out / CHECK_PAGE).read_text()
    assert "attr_state gives the answer away" in page


def test_check_without_terminations_says_that_it_did_not_look(demo, tmp_path):
    others = dict.fromkeys(set(demo.document["sources"]) - {"customers"})
    page = check_tables(demo.config_in(tmp_path, data=demo.data, sources=others), demo.as_of).page
    assert "Leaks were not looked for: the tables do not say who left." in page.read_text()


@pytest.mark.proof
def test_training_on_a_leak_registers_a_model_without_the_alias(demo, tmp_path):
    config = leaking_config(demo, tmp_path)
    with pytest.raises(GateError, match="attr_state gives the answer away: attr_state is closing"):
        TRAIN.start(config, demo.as_of)
    (record,) = records(tmp_path / "var", "train")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    version = mlflow.MlflowClient().get_model_version(*record["model_version"].split("/"))
    assert version.tags["leak_warning"].startswith("attr_state gives the answer away")
    assert list(version.aliases) == []
    assert tracking.champion_version(load_settings(demo.config)).version == "1"
    found = mlflow.artifacts.load_text(f"runs:/{version.run_id}/leaks.json")
    assert [row["column"] for row in json.loads(found)][:1] == ["attr_state"]
