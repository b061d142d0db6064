"""Prefect shows a run without changing it, and a run goes on whatever Prefect does."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from broken_servers import BEHAVIOURS, server
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness
from trees import records, tree

from features.errors import CompleteError, StilleError
from pipelines.flows import launch, prefect_flows
from pipelines.jobs.entry import JOBS, NIGHTLY, Job

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def _server():
    with prefect_test_harness(server_startup_timeout=180):
        yield PREFECT_API_URL.value()


@pytest.fixture
def prefect(_server, monkeypatch):
    """A server that this process uses, and the processes that it starts."""
    monkeypatch.setenv("PREFECT_API_URL", _server)
    monkeypatch.setattr(launch, "_SECONDS", 120.0)


@pytest.fixture
def config(company, tmp_path):
    company(paths={name: str(tmp_path / name) for name in ("data", "var", "out")})
    return tmp_path / "config.yaml"


def stored(kind, **filters):
    with get_client(sync_client=True) as client:
        return client.request("POST", f"/{kind}/filter", json=filters).json()


def newest_run():
    return stored("flow_runs", sort="START_TIME_DESC", limit=1)[0]


def steps_and_words(run):
    run.record.notes.append("the run notes this")
    return [run.step(each, run) for each in (read_tables, score_cohort)]


def read_tables(run):
    with run.record.stage("tables") as stage:
        stage.rows_in, stage.rows_out = 1200, 1100
        time.sleep(1.2)
    return "read"


def score_cohort(run):
    with run.record.stage("score"):
        return "scored"


def contents(_job, result):
    return [("publication", f"made of {len(result)} parts")]


def quoting(run):
    raise KeyError("C0001234")


def quoting_in_a_stage(run):
    with run.record.stage("score"):
        quoting(run)


def alarmed(run):
    run.step(read_tables, run)
    alarm = CompleteError("an alarm rang")
    alarm.result = ["one"]
    raise alarm


def failing(function):
    return lambda run: run.step(function, run)


def launched(call, config, *, plain=False):
    return launch.launch(Job("nightly", call), config, None, plain=plain)


def test_a_run_is_shown_with_its_steps_words_and_artifacts(prefect, config, monkeypatch):
    monkeypatch.setattr(Job, "contents", contents)
    assert launched(steps_and_words, config) == ["read", "scored"]
    (record,) = records(config.parent / "var", "nightly")
    assert (record["status"], record["untracked"]) == ("succeeded", False)
    run = newest_run()
    begun, ended = (datetime.fromisoformat(record[f"{way}_at"]) for way in ("started", "finished"))
    named = re.fullmatch(r"nightly Test \d{4}-\d\d-\d\d, (\d+\.\d) s", run["name"])
    assert 1.2 <= float(named[1]) < (ended - begun).total_seconds()
    assert set(run["tags"]) == {"nightly", "Test"}
    assert run["state"]["type"] == "COMPLETED"
    assert run["parameters"]["config"] == str(config)
    ours = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    names = {each["name"] for each in stored("task_runs", **ours)}
    assert names == {"tables, 1.2 s", "score, 0.0 s"}
    words = {each["message"] for each in stored("logs", limit=200)}
    assert words >= {"tables: 1.2 s, 1,200 rows in, 1,100 rows out", "the run notes this"}
    (artifact,) = stored("artifacts", **ours)
    assert (artifact["key"], artifact["data"]) == ("publication", "made of 2 parts")


def test_prefect_is_told_of_a_bug_only_its_kind(config, monkeypatch):
    told = []
    monkeypatch.setattr(launch, "_tell_prefect", lambda described: told.append(described) or True)
    with pytest.raises(KeyError):
        launched(failing(quoting_in_a_stage), config)
    (record,) = records(config.parent / "var", "nightly")
    assert (record["status"], record["untracked"]) == ("failed", False)
    assert told[0]["failure"] == "KeyError"
    assert "C0001234" not in str(told)


def test_a_run_with_an_alarm_shows_what_it_found(prefect, config, monkeypatch):
    monkeypatch.setattr(Job, "contents", contents)
    with pytest.raises(CompleteError):
        launched(alarmed, config)
    (record,) = records(config.parent / "var", "nightly")
    assert (record["status"], record["untracked"]) == ("failed", False)
    state = newest_run()["state"]
    assert (state["type"], state["message"]) == ("FAILED", "CompleteError: an alarm rang")
    assert "made of 1 parts" in {each["data"] for each in stored("artifacts")}


@pytest.mark.fault(47)
def test_no_row_of_a_published_night_gets_to_prefect(prefect, demo, published):
    before = tree(demo.out)
    night = launch.launch(NIGHTLY, demo.config, demo.as_of, plain=False)
    assert (night.publication, night.written) == (published.publication, False)
    assert tree(demo.out) == before
    assert records(demo.var, "nightly")[-1]["untracked"] is False
    told = [stored(kind) for kind in ("flow_runs", "task_runs", "logs", "artifacts")]
    told += [stored("artifacts/latest"), stored("events")]
    assert str(published.publication.folder) in str(told)
    assert not re.search(r"C0\d{6}", str(told))
    assert "Kunden" not in str(told)


def test_a_schedules_flow_does_the_job_itself(prefect, demo, published):
    state = prefect_flows.nightly(str(demo.config), demo.as_of, return_state=True)
    assert state.is_completed()
    assert not state.result().written
    assert records(demo.var, "nightly")[-1]["untracked"] is False
    run = newest_run()
    assert run["name"] == f"nightly Demo Kraft {demo.as_of}"
    assert not re.search(r"C0\d{6}", str(stored("artifacts")) + str(stored("logs")))


def test_prefect_shows_what_a_schedules_flow_says(prefect, config, monkeypatch):
    monkeypatch.setattr(Job, "contents", contents)
    monkeypatch.setitem(JOBS, "monitor", Job("monitor", steps_and_words))
    assert prefect_flows.monitor(str(config), return_state=True).is_completed()
    ours = {"logs": {"flow_run_id": {"any_": [newest_run()["id"]]}}}
    words = " ".join(each["message"] for each in stored("logs", **ours))
    assert re.search(r"tables: 1\.\d s, 1,200 rows in, 1,100 rows out.*score: 0\.\d s", words)


@pytest.mark.fault(31)
def test_a_folder_that_prefect_cannot_have_is_no_reason_not_to_run(config, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "file" / "prefect"))
    assert launched(steps_and_words, config) == ["read", "scored"]
    (record,) = records(config.parent / "var", "nightly")
    assert (record["status"], record["untracked"]) == ("succeeded", True)


def test_a_schedules_flow_tells_no_text_of_a_bug(prefect, config, monkeypatch):
    monkeypatch.setitem(JOBS, "monitor", Job("monitor", failing(quoting)))
    with pytest.raises(
        StilleError, match=r"^KeyError at test_prefect_flows.py:\d+, which is a bug$"
    ):
        prefect_flows.monitor(str(config))
    assert "C0001234" not in str(stored("logs", limit=200))


@pytest.mark.fault(31, 44, 50)
@pytest.mark.parametrize("behaviour", ["dead", "errors", "silent"])
def test_a_broken_server_is_no_reason_not_to_run(config, monkeypatch, caplog, behaviour):
    monkeypatch.setattr(launch, "_SECONDS", 1.0)
    begun = time.monotonic()
    with server(behaviour) as address:
        monkeypatch.setenv("PREFECT_API_URL", f"{address}/api")
        assert launched(steps_and_words, config) == ["read", "scored"]
    assert time.monotonic() - begun < 20
    assert "Prefect did not take this run" in caplog.text
    (record,) = records(config.parent / "var", "nightly")
    assert (record["status"], record["untracked"]) == ("succeeded", True)


@pytest.mark.fault(31, 50)
@pytest.mark.proof
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_night_ends_soon_whatever_the_server_does(config, monkeypatch, behaviour):
    with server(behaviour) as address:
        monkeypatch.setenv("PREFECT_API_URL", f"{address}/api")
        begun = time.monotonic()
        assert launched(steps_and_words, config) == ["read", "scored"]
        assert time.monotonic() - begun < 75
    assert records(config.parent / "var", "nightly")[-1]["untracked"] is True


CHILD = """
import subprocess, sys
from pathlib import Path
from pipelines.runtime.environment import quiet_libraries
quiet_libraries()
from pipelines.flows import launch
from pipelines.jobs.entry import Job

class Announced(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        print(self.pid, flush=True)

subprocess.Popen, launch._SECONDS = Announced, 4.0
def nothing(run):
    with run.record.stage("score"):
        return []

launch.launch(Job("nightly", nothing), Path(sys.argv[1]), None, plain=False)
"""


@pytest.mark.fault(28, 29, 51)
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.proof)]
)
def test_a_run_that_is_ended_while_it_is_shown_leaves_no_process(config, number):
    with server("silent") as address:
        run = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(config)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": f"{address}/api"},
            stdout=subprocess.PIPE,
        )
        group = int(run.stdout.readline())
        time.sleep(1)
        run.send_signal(number)
        run.communicate(timeout=60)
        assert run.returncode == (143 if number == signal.SIGTERM else -number)
        (record,) = records(config.parent / "var", "nightly")
        assert record["status"] == ("terminated" if number == signal.SIGTERM else "running")
        until = time.monotonic() + 40
        while time.monotonic() < until and Path(f"/proc/{group}").exists():
            time.sleep(0.1)
        assert not Path(f"/proc/{group}").exists()


def test_plain_starts_no_process(config, monkeypatch):
    monkeypatch.setattr(launch, "_tell_prefect", None)
    assert launched(steps_and_words, config, plain=True) == ["read", "scored"]
    assert records(config.parent / "var", "nightly")[-1]["untracked"] is True
