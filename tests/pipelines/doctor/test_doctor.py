"""``stille doctor``: finds what would stop a night, and changes nothing."""

import json
import shutil
from collections import namedtuple
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import yaml
from filelock import FileLock
from trees import tree

from pipelines.config.measurement import EFFECT_VERSION
from pipelines.doctor.doctor import Diagnosis, examine, exit_code
from pipelines.publication.status import Notice

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration whose files are there; sections can be replaced."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text("customer_id\n1\n")

    def write(**sections):
        document = {
            "company": {
                "name": "A",
                "timezone": "Europe/Oslo",
                "currency": "NOK",
                "language": "nb",
            },
            "paths": {name: str(tmp_path / name) for name in ("data", "var", "out")},
            "sources": {"customers": {"path": "customers.csv", "known_delay_days": 0}},
            "training": {"first_as_of": "2023-01-01"},
            **sections,
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


def found(path, what):
    return [each for each in examine(path) if each.check == what]


def test_a_company_before_its_first_training_needs_a_model(config, tmp_path):
    path = config()
    before = tree(tmp_path)
    findings = examine(path)
    assert tree(tmp_path) == before
    assert [each.check for each in findings if each.status == "bad"] == ["model"]
    assert "Train one: stille train." in found(path, "model")[0].message
    assert exit_code(findings) == 4


def test_a_configuration_that_cannot_be_read_is_all_there_is_to_say(tmp_path):
    (finding,) = examine(tmp_path / "absent.yaml")
    assert (finding.check, finding.exit_code) == ("configuration", 2)


def test_what_a_customer_who_asks_must_be_told_and_is_not_settled_is_named(config):
    (finding,) = found(config(privacy={"kept_months": 6}), "privacy")
    assert finding.status == "look"
    assert finding.message.startswith("privacy.recipients not set")
    assert found(config(privacy={"kept_months": 6, "recipients": []}), "privacy") == []


def test_missing_and_empty_sources_are_named_each(config, tmp_path):
    (tmp_path / "data" / "k.csv").touch()
    customers = {"path": "customers.csv", "known_delay_days": 0}
    path = config(
        sources={"customers": customers, "contacts": {"path": "k.csv"}, "cases": {"path": "x.csv"}}
    )
    said = {each.check: each for each in examine(path)}
    assert said["source customers"].status == "ok"
    assert said["source contacts"].message.endswith("k.csv: empty")
    assert "no file matches" in said["source cases"].message
    assert exit_code(list(said.values())) == 3


def test_a_full_disk_is_seen(config, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 5, 5_000))
    path = config()
    assert {each.exit_code for each in found(path, "disk")} == {5}
    assert exit_code(examine(path)) == 5


def test_an_input_from_the_future_makes_the_clock_doubtful(config, tmp_path):
    import os

    path = config()
    assert found(path, "clock")[0].status == "ok"
    os.utime(tmp_path / "data" / "customers.csv", (4e9, 4e9))
    assert found(path, "clock")[0].status == "look"


def test_a_run_that_publishes_now_is_seen_and_not_disturbed(config, tmp_path):
    path = config()
    (tmp_path / "out").mkdir()
    lock = FileLock(tmp_path / "out" / ".lock")
    with lock:
        assert found(path, "lock")[0].exit_code == 75
        assert lock.is_locked
    assert found(path, "lock")[0].message.endswith(".lock: free")


def test_the_last_night_is_read_from_its_record(config, tmp_path):
    path = config()
    runs = tmp_path / "var" / "runs"
    runs.mkdir(parents=True)
    assert found(path, "last night")[0].message.startswith("none yet")
    for name, status, code in (("1", "succeeded", 0), ("2", "failed", 3)):
        record = {"status": status, "exit_code": code}
        (runs / f"nightly-{name}.json").write_text(json.dumps(record))
    assert found(path, "last night")[0].message == "nightly-2: failed, exit code 3"
    (runs / "nightly-3.json").write_text("{")
    assert "cannot be read" in found(path, "last night")[0].message


def test_the_status_of_the_newest_list_is_told(config, tmp_path):
    """Without a night, what the configuration lacks; then also what the night itself says."""
    customers = {"path": "customers.csv", "known_delay_days": 0}
    tables = ("consents", "contact_bars", "reservations")
    complete = {"customers": customers, **{name: {"path": "customers.csv"} for name in tables}}
    assert found(config(sources=complete), "lists") == []
    path = config(contact={"register_days": None})
    assert [each.message.partition(":")[0] for each in found(path, "lists")] == [
        "The configuration has no table consents",
        "The configuration has no table contact_bars",
    ]
    night = tmp_path / "out" / "2026-03-02" / "run"
    night.mkdir(parents=True)
    (tmp_path / "out" / "current").symlink_to("2026-03-02/run")

    def published(*notices):
        status = {"tone": "look", "notices": [asdict(each) for each in notices]}
        (night / "datapackage.json").write_text(json.dumps({"stille": {"status": status}}))
        return found(config(sources=complete), "lists")

    [said] = published(Notice("look", "nobody_called", 7, "register_old"))
    assert said.status == "look"
    assert said.message.startswith("2026-03-02: The call list is empty.")
    [said] = published(Notice("bad", "permissions"))
    assert (said.status, said.exit_code) == ("bad", 0)
    [said] = published()
    assert (said.status, said.message[:22]) == ("ok", "2026-03-02: In order. ")
    (night / "datapackage.json").write_text("{")
    assert found(config(sources=complete), "lists") == []


def test_the_newest_verdict_on_contact_is_told(config, tmp_path):
    path, folder = config(), tmp_path / "var" / "effect"
    assert found(path, "contact") == []
    folder.mkdir(parents=True)
    for day, verdict, harmful in (("01", "Go on.", []), ("02", "Stop.", ["all=all"])):
        data = {"schema_version": EFFECT_VERSION, "verdict": verdict, "harmful": harmful}
        (folder / f"2024-01-{day}.json").write_text(json.dumps(data))
        [said] = found(path, "contact")
        assert (said.status, said.message) == (
            "look" if harmful else "ok",
            f"2024-01-{day}: {verdict}",
        )
    for day, text in (("03", "{"), ("04", '{"schema_version": "0", "verdict": "Go on."}')):
        (folder / f"2024-01-{day}.json").write_text(text)
        assert f"2024-01-{day}.json: cannot be read" in found(path, "contact")[0].message


def test_a_column_that_is_overwritten_is_said_before_training(config, tmp_path):
    (tmp_path / "data" / "customers.csv").write_text("customer_id,plan\n1,a\n")
    attributes = {"plan": {"column": "plan", "type": "category", "mutable": True}}
    customers = {"path": "customers.csv", "known_delay_days": 0, "attributes": attributes}
    findings = examine(config(sources={"customers": customers}))
    assert [each.exit_code for each in findings if each.check == "learning"] == [2]
    assert exit_code(findings) == 2


def test_who_was_treated_is_known_from_lists_where_no_crm_tells(config, tmp_path):
    assert found(config(), "treated") == []
    night = tmp_path / "out" / "2024-03-01" / "run"
    night.mkdir(parents=True)
    (night / "datapackage.json").write_text("{}")
    (said,) = found(config(), "treated")
    assert said.status == "look"
    assert "known from the call lists of 1 published nights, called or not" in said.message
    customers = {"path": "customers.csv", "known_delay_days": 0}
    treatments = {"path": "customers.csv"}
    path = config(sources={"customers": customers, "treatments": treatments})
    assert found(path, "treated")[0].status == "ok"
    path = config(list={"holdout_share": 0})
    assert "nobody is held out now (list.holdout_share)" in found(path, "treated")[0].message


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_prefect_is_asked_only_when_a_server_is_configured(config, monkeypatch):
    path = config()
    assert "each run starts its own" in found(path, "Prefect")[0].message
    server = HTTPServer(("127.0.0.1", 0), Health)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
    assert found(path, "Prefect")[0].message.endswith("/api answers")
    server.shutdown()
    server.server_close()
    dead = found(path, "Prefect")[0]
    assert (dead.status, dead.exit_code) == ("look", 0)
    assert "nights run untracked until it does" in dead.message


def test_a_database_that_is_away_is_seen(config, monkeypatch):
    monkeypatch.setenv("STILLE_DB_URI", "postgresql://me:sekret@127.0.0.1:9/crm")
    database = {"uri": "${STILLE_DB_URI}", "table": "crm.kunde"}
    findings = examine(config(sources={"customers": {"database": database}}))
    assert [each.exit_code for each in findings if each.check == "databases"] == [75]
    assert "sekret" not in str(findings)


def test_the_fault_to_mend_first_decides_the_code():
    def codes(*given):
        return [Diagnosis("x", "bad", "", code) for code in given]

    assert exit_code(codes(0, 0)) == 0
    assert exit_code(codes(75, 4, 0)) == 4
    assert exit_code(codes(4, 3, 5)) == 5
    assert exit_code(codes(5, 2)) == 2


def test_the_command_prints_a_table_and_ends_with_the_code(stille, config):
    path = config()
    ended = stille("doctor", "--config", path)
    assert ended.code == 4
    assert "source customers" in ended.out
    rows = json.loads(stille("doctor", "--json", "--config", path).out)
    [message] = [row["message"] for row in rows if row["check"] == "model"]
    assert f"stille train --config {path}" in message
    assert {"check", "status", "message", "exit_code"} == set(rows[0])


@pytest.mark.slow
def test_a_company_that_publishes_is_well(stille, demo, published):
    ended = stille("doctor", "--config", demo.config)
    assert ended.code == 0, ended.out
    assert "churn/1 is champion" in ended.out
    assert "succeeded" in ended.out
