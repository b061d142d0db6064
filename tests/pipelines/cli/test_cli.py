"""The command line: what each command prints, as text and as JSON."""

import json
import os
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from trees import records

from features.contract import TABLES
from pipelines.cli.json_output import print_json
from pipelines.simulator.writer import WRITTEN

COMMANDS = {
    *("simulate", "check", "train", "nightly", "truth", "demo"),
    *("features", "schema", "serve", "ui", "init", "doctor", "compare", "monitor"),
    *("promote", "rollback", "recalibrate", "reproduce", "unload"),
}


def test_help_lists_every_command_and_loads_no_heavy_library(root):
    code = (
        "import sys; sys.argv = ['stille', '--help']\n"
        "from pipelines.cli.app import main\n"
        "try: main()\n"
        "finally: print(sorted({'prefect', 'mlflow', 'lightgbm', 'pandas'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    ).stdout
    for command in COMMANDS:
        assert f" {command} " in shown
    assert shown.strip().endswith("[]")


def test_a_hint_names_the_configuration_in_use(stille, company, tmp_path):
    company()
    config = tmp_path / "config.yaml"
    ended = stille("nightly", "--plain", "--config", config)
    assert ended.code == 4
    assert f"Train one: stille train --config {config}." in ended.err.replace("\n", "")


def test_no_command_shows_the_help(stille):
    ended = stille()
    assert ended.code == 2
    assert "Churn risk for silent products." in ended.out


def test_features_are_listed_with_driver_and_definition(stille, demo, trained):
    ended = stille("features", "--json", "--config", demo.config)
    assert ended.code == 0
    rows = json.loads(ended.out)
    names = [row["feature"] for row in rows]
    assert len(names) == len(set(names)) > 100
    assert set(trained.evaluation.test.spec.names) <= set(names)
    assert all(row["definition"] and row["driver"] and row["source"] for row in rows)
    shown = stille("features", "--config", demo.config)
    assert [name for name in names if f" {name} " not in shown.out] == []


def test_schemas_are_json(stille):
    config = json.loads(stille("schema").out)
    assert {"company", "paths", "sources"} <= set(config["properties"])
    table = json.loads(stille("schema", "invoices").out)
    assert set(table["properties"]) >= {column.name for column in TABLES["invoices"].columns}
    unknown = stille("schema", "invoice")
    assert unknown.code == 2
    assert "unknown table 'invoice'" in unknown.err


def test_check_tells_what_each_table_holds(stille, demo, tmp_path):
    config = demo.config_in(tmp_path)
    ended = stille("check", "--json", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 0
    rows = {row["table"]: row for row in json.loads(ended.out)}
    assert set(rows) == set(WRITTEN)
    for name, row in rows.items():
        held = pq.read_metadata(demo.data / "tables" / f"{name}.parquet").num_rows
        assert row["rows"] + sum(row["quarantined"].values()) == held
    shown = stille("check", "--config", config, "--as-of", demo.as_of)
    assert f"{rows['invoices']['rows']:,}" in shown.out
    assert [record["status"] for record in records(tmp_path / "var", "check")] == ["succeeded"] * 2


def test_check_says_what_form_of_value_is_lost_and_which_dates_stand_for_none(
    stille, company, tmp_path
):
    good = "".join(f"g{n},1,2024-01-01,2024-01-15,{n}\n" for n in range(400))
    bad = "".join(f"b{n},1,2024-01-01,9999-12-31,{n} EUR\n" for n in range(10))
    bills = (
        f"invoice_id,customer_id,issued_on,due_on,amount\n{good}{bad}c,1,2024-01-01,9999-12-31,1\n"
    )
    company(
        {"i.csv": bills},
        {"invoices": {"path": "i.csv"}},
        paths={name: str(tmp_path / name) for name in ("data", "var", "out")},
    )
    ended = stille("check", "--config", tmp_path / "config.yaml", "--as-of", "2024-02-01")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "Lost: invoices.amount: unreadable: 10 rows, written like '9 a'; declared: " in said
    assert "invoices.due_on: 11 dates stand for none (9999-12-31 and other" in said


@pytest.mark.parametrize("company", ["kind", "hard"])
def test_simulate_writes_tables_and_their_truth(stille, tmp_path, company):
    arguments = ["--customers", 40, "--months", 4, "--products", "electricity", "--seed", 2]
    ended = stille("simulate", tmp_path / "co", *arguments, "--company", company)
    assert ended.code == 0
    assert str(tmp_path / "co" / "truth") in ended.out
    tables = {path.name for path in (tmp_path / "co" / "tables").iterdir()}
    assert tables == {f"{name}.parquet" for name in WRITTEN}
    assert (tmp_path / "co" / "truth" / "hazard.parquet").is_file()
    calls = pq.read_table(tmp_path / "co" / "truth" / "calls.parquet").num_rows
    assert (calls > 0) == (company == "hard")
    path = tmp_path / "co" / "tables" / "contracts.parquet"
    lines = pq.read_table(path)["product_line"].to_pylist()
    assert len(lines) >= 40
    assert set(lines) == {"electricity"}


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--products", "gas"], "gas"),
        (["--company", "soft"], "'kind', 'hard'"),
    ],
)
def test_simulate_refuses_what_it_does_not_know(stille, tmp_path, option, words):
    ended = stille("simulate", tmp_path / "co", "--customers", 10, *option)
    assert ended.code == 2
    assert words in " ".join(ended.err.replace("│", " ").split())
    assert not (tmp_path / "co").exists()


def test_truth_prints_the_model_beside_the_key(stille, demo):
    ended = stille("truth", "--config", demo.config, "--key", demo.data / "truth")
    assert ended.code == 0
    assert "oracle AUC" in ended.out
    assert "Strongest drivers" in ended.out


def test_a_published_night_is_shown_to_people_and_programs(stille, demo, published, monkeypatch):
    arguments = ["nightly", "--plain", "--config", demo.config, "--as-of", demo.as_of]
    shown = stille(*arguments)
    assert shown.code == 0
    folder = published.publication.folder
    assert f"Published already, nothing to do: {folder}" in shown.out.replace("\n", " ")
    assert str(folder / "risk_list.csv") in shown.out
    called = pq.read_table(folder / "call_list.parquet").slice(0, 1).to_pylist()[0]
    said = " ".join(shown.out.split())
    assert f"1. {called['customer_id']} (" in said
    assert f"Why: {called['reason_1_text']}" in said
    assert f"stille explain --config {demo.config} {called['customer_id']}" in said
    monkeypatch.setenv("STILLE_LOG_FORMAT", "json")
    logged = stille(*arguments).out
    assert "points there" in logged
    assert called["customer_id"] not in logged
    facts = json.loads(stille(*arguments, "--json").out)
    assert facts["folder"] == str(folder)
    assert (facts["written"], facts["run_id"]) == (False, published.publication.run_id)
    assert [row["risk_rank"] for row in facts["top"]] == [1, 2, 3]
    assert 0 < facts["top"][0]["churn_probability"] < 1


def test_training_is_shown_to_people_and_programs(demo, trained, capsys):
    from pipelines.cli import printing

    printing.training_done(trained)
    shown = capsys.readouterr().out
    assert "churn/1 on time, 2023-09 to 2023-11" in shown
    assert f"{trained.evaluation.cards['model']['auc'].value:.4f}" in shown
    assert "\nChampion.\n" in shown
    print_json(printing.training_facts(trained))
    facts = json.loads(capsys.readouterr().out)
    assert facts["champion"] is True
    assert facts["metrics"]["model"]["auc"][0] == trained.evaluation.cards["model"]["auc"].value


def test_the_console_script_ends_with_the_errors_code_and_no_traceback(demo, root, tmp_path):
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "stille", "check", "--config", tmp_path / "absent.yaml"],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert ended.returncode == 2
    assert "absent.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert time.monotonic() - begun < 60
