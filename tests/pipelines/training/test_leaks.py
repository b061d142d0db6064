"""The leak detector on matrices that the real pipeline builds, and what a run does about it."""

import json
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from leaky import PLANTS, WINDOW, Company, customers_by_outcome
from trees import records

from features.errors import ConfigError, GateError
from models.dataset.examples import Examples
from models.leaks.rows import Leak
from models.leaks.search import find_leaks
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs import train
from pipelines.jobs.entry import CHECK, TRAIN
from pipelines.jobs.read_tables import CHECK_PAGE, read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training.examples import TrainingData, make_examples
from pipelines.training.leaks import LEAKS, LeakSearch, customers_as_filed, search_leaks

MONTHS = 20
KNOWN = date(2023, 9, 1)
AS_OF = {
    "telco": date(2018, 1, 1),
    "powerco": date(2016, 2, 1),
    "cell2cell": date(2002, 1, 1),
    "trupanion": date(2017, 1, 1),
}
REASON = "planted by a test"


def learned(settings: Settings, day: date) -> tuple[Snapshot, TrainingData]:
    run = Run(settings, day, RunRecord("r", "train", "x"))
    snapshot = read_tables(run)
    return snapshot, make_examples(run, snapshot)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated company: its configuration and its examples."""

    settings: Settings
    snapshot: Snapshot
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
    return Simulated(settings, *learned(settings, KNOWN))


@pytest.fixture(scope="module")
def companies(tmp_path_factory, request) -> list[Simulated]:
    root = Path(request.config.rootpath)
    return [simulated(root, tmp_path_factory.mktemp(f"seed{seed}"), seed) for seed in (1, 2)]


def refused(examples: Examples, filed: np.ndarray | None = None) -> list[Leak]:
    return [f for f in find_leaks(examples, WINDOW, filed) if f.refuses]


def test_clean_simulated_companies_raise_no_alarm(companies):
    assert [refused(company.examples) for company in companies] == [[], []]


@pytest.mark.promise("leaks")
@pytest.mark.proof
def test_fifty_clean_simulated_companies_raise_at_most_one_alarm(root, tmp_path):
    alarms = []
    for seed in range(1, 51):
        folder = tmp_path / str(seed)
        folder.mkdir()
        alarms += refused(simulated(root, folder, seed).examples)[:1]
    assert len(alarms) <= 1, alarms


@pytest.mark.promise("leaks")
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
    _, prepared = learned(settings, AS_OF[name])
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
    return search_leaks(run, simulated.snapshot, TrainingData(planted.examples, {}, ())), record


@pytest.mark.promise("leaks")
@pytest.mark.fault(40)
def test_a_finding_closes_a_gate(companies):
    search, record = searched(companies[0])
    assert [(g.name, g.value, g.passed) for g in record.gates] == [("suspected_leaks", 1, False)]
    with pytest.raises(
        GateError, match=r"given away:\n- attr_limit is missing .* key 'attr_limit'"
    ):
        search.refuse()
    assert search.path.read_bytes() == search.to_json()
    (row,) = json.loads(search.to_json())
    assert (row["kind"], row["column"], row["override"]) == ("leavers_only", "attr_limit", None)
    assert row["evidence"]["leavers"] > 20


def test_an_override_by_name_opens_it_and_is_written_down(companies):
    search, record = searched(companies[0], attr_limit=REASON, attr_other=REASON)
    search.refuse()
    assert record.gates[-1].passed
    assert record.notes[0].startswith(f"let through by a person ({REASON}): attr_limit is missing")
    assert record.notes[1:] == ["training.leak_override: nothing was found on attr_other"]
    (row,) = json.loads(search.to_json())
    assert row["override"] == REASON


def test_a_table_dated_back_is_named_and_let_through_by_its_name(companies):
    """Its count of contacts becomes one of the month to come."""
    examples = companies[0].examples
    late = PLANTS["the next month's contacts"](Company.of(examples, 0)).examples.x[:, -1]
    x = examples.x.copy()
    x[:, examples.spec.names.index("contacts_30d")] = late
    prepared = TrainingData(replace(examples, x=x), {}, ())
    run = Run(companies[0].settings, date(2024, 1, 1), RunRecord("r", "check", "x"))
    found = search_leaks(run, companies[0].snapshot, prepared).findings
    assert [(f.kind, f.column) for f in found] == [("fades", "contacts")]


def test_one_undated_table_is_said_to_be_blind_to_the_lag(companies):
    examples = companies[0].examples
    newest = examples.take(examples.as_of == examples.as_of.max())
    record = RunRecord("r", "check", "x")
    run = Run(companies[0].settings, date(2024, 1, 1), record)
    search = search_leaks(run, companies[0].snapshot, TrainingData(newest, {}, ()))
    assert [note for note in record.notes if note.startswith("The lag test needs 50 leavers")]
    assert "The lag test needs 50 leavers" in search.summary


def test_an_override_needs_a_reason(company):
    training = {"first_as_of": "2023-01-01", "leak_override": {"attr_limit": " ok "}}
    with pytest.raises(ConfigError, match=r"training\.leak_override\.attr_limit"):
        company(training=training)


def test_the_order_of_the_file_is_read_from_the_file(company):
    rows = "customer_id,joined_on\n7,2020-01-01\n10,2020-01-01\n2,2020-01-01\n"
    settings = company({"customers.csv": rows})
    assert customers_as_filed(settings).tolist() == ["7", "10", "2"]


PLANTED = {
    "state": ("category", "case when gone and hash(customer_id) % 10 > 0 then 'closing' end"),
    "changed": ("number", "epoch_day + case when gone then 0 else -900 + hash(id) % 700 end"),
    "score": ("number", "case when gone then 0.9 else 0.1 end + (hash(id) % 1000) / 20000"),
    "began": ("number", "-2000 - (hash(id) % 3000)::int"),
    "lasted": ("number", "epoch_day + 2000 + (hash(id) % 3000)::int"),
}


def leaking_config(demo, folder: Path, *names: str, order: str = "customer_id") -> Path:
    """The demo with planted attributes of ``PLANTED`` in its customer table, in an order."""
    shutil.copytree(demo.data / "tables", folder / "data" / "tables")
    tables = demo.data / "tables"
    planted = "".join(f", {PLANTED[name][1]} as {name}" for name in names)
    duckdb.sql(
        f"""
        copy (
            with marked as (
                select c.*, c.customer_id || 'x' as id, t.day is not null as gone,
                    coalesce(t.day, (date '2024-09-01' - date '1970-01-01')::int
                        + (hash(c.customer_id) % 700)::int) as epoch_day
                from '{tables / "customers.parquet"}' c
                left join (select customer_id, max(effective_on - date '1970-01-01')::int as day
                    from '{tables / "terminations.parquet"}'
                    where outcome = 'voluntary' group by 1) t using (customer_id)
            )
            select * exclude (id, gone, epoch_day){planted} from marked order by {order}
        ) to '{folder / "data" / "tables" / "customers.parquet"}'
        """
    )
    attributes = {
        name: {"column": name, "type": PLANTED[name][0], "static": True, "doc": name}
        for name in names
    }
    sources = dict(demo.document["sources"])
    sources["customers"] = {**sources["customers"], "attributes": attributes}
    return demo.config_in(folder, data=folder / "data", sources=sources)


def test_check_looks_for_leaks_where_somebody_left(demo, tmp_path):
    found = CHECK.start(demo.config_in(tmp_path, data=demo.data), demo.as_of).page.read_text()
    assert "Leaks were looked for in " in found
    assert "0 findings, 0 of them refused." in found


@pytest.mark.promise("leaks")
def test_check_refuses_a_leak_before_anything_is_trained(demo, tmp_path):
    config = leaking_config(demo, tmp_path, "state")
    with pytest.raises(GateError, match="given away:\n- attr_state "):
        CHECK.start(config, demo.as_of)
    (record,) = records(tmp_path / "var", "check")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    page = (load_settings(config).paths.out / CHECK_PAGE).read_text()
    assert "<td>attr_state</td>" in page
    (found, *_) = json.loads((load_settings(config).paths.out / LEAKS).read_bytes())
    assert (found["column"], found["kind"]) == ("attr_state", "leavers_only")


def test_check_without_terminations_says_that_it_did_not_look(demo, tmp_path):
    others = dict.fromkeys(set(demo.document["sources"]) - {"customers"})
    page = CHECK.start(demo.config_in(tmp_path, data=demo.data, sources=others), demo.as_of).page
    assert "Leaks were not looked for: the tables do not say who left." in page.read_text()


@pytest.mark.slow
def test_training_says_what_check_said_of_each_kind_before_anything_is_fitted(
    demo, tmp_path, monkeypatch
):
    config = leaking_config(demo, tmp_path, *PLANTED, order="gone desc, hash(customer_id)")
    monkeypatch.setattr(train, "evaluate_recipe", lambda *_: pytest.fail("was fitted"))
    said = []
    for begin in (CHECK.start, TRAIN.start):
        with pytest.raises(GateError) as refused:
            begin(config, demo.as_of)
        said.append((str(refused.value), (tmp_path / "out" / LEAKS).read_bytes()))
    assert said[0] == said[1]
    found = json.loads(said[0][1])
    kinds = {row["column"]: row["kind"] for row in found if row["refuses"]}
    assert kinds == {
        "attr_state": "leavers_only",
        "attr_changed": "after_as_of",
        "attr_score": "measured_at_exit",
        "attr_began + attr_lasted": "adds_up",
        "row_order": "row_order",
    }
    page = (tmp_path / "out" / CHECK_PAGE).read_text()
    assert [f"<td>{key}</td>" in page for key in kinds] == [True] * 5
    (record,) = records(tmp_path / "var", "train")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    assert record["model_version"] is None
