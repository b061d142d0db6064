"""The schedules and the served pages."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pyarrow.parquet as pq
import pytest
import yaml
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from trees import records

from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.flows import serve
from pipelines.flows.prefect_flows import FLOWS
from pipelines.jobs.entry import JOBS
from pipelines.publication.reader import current, verify

ROOT = Path(__file__).parents[3]


@pytest.fixture
def declared(root):
    return yaml.safe_load((root / "prefect.yaml").read_text("utf-8"))["deployments"]


def test_every_entrypoint_is_a_flow_that_takes_the_declared_parameters(declared, root):
    for entry in declared:
        module, _, name = entry["entrypoint"].partition(":")
        flow = getattr(import_module(module), name)
        assert isinstance(flow, Flow)
        flow.validate_parameters(entry["parameters"])
        assert load_settings(root / entry["parameters"]["config"])


def test_nights_begin_after_the_hour_that_clock_changes_touch(declared):
    hours = {}
    for entry in declared:
        for schedule in entry["schedules"]:
            minute, hour = re.match(r"(\d+) (\d+) ", schedule["cron"]).groups()
            assert schedule["timezone"] == "Europe/Oslo"
            assert ZoneInfo(schedule["timezone"])
            assert int(hour) >= 3
            hours[entry["name"]] = int(hour) * 60 + int(minute)
    assert hours["nightly"] < hours["nightly-catch-up"] < hours["weekly-training"]


def test_only_one_run_of_a_deployment_at_a_time(declared):
    for entry in declared:
        assert entry["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_deployments_are_built_as_declared(declared, root):
    built = serve.deployments(root / "prefect.yaml")
    assert [each.name for each in built] == [entry["name"] for entry in declared]
    for each, entry in zip(built, declared, strict=True):
        assert each.entrypoint == entry["entrypoint"].replace(":", ".")
        assert each.parameters == {"config": str(root / entry["parameters"]["config"])}
        crons = [(s.schedule.cron, s.schedule.timezone) for s in each.schedules]
        assert crons == [(s["cron"], s["timezone"]) for s in entry["schedules"]]
        assert (each.concurrency_limit, each.concurrency_options.collision_strategy) == (
            1,
            "CANCEL_NEW",
        )
        assert each.tags == entry["tags"]
        assert each.description


ENTRY = "name: a, entrypoint: 'pipelines.flows.prefect_flows:nightly'"
WITH = f"{ENTRY}, parameters: {{config: c.yaml}}, schedules:"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("name: other", "'deployments'"),
        ("deployments: [1]", "not subscriptable"),
        ("deployments: [", "parsing a flow node"),
        (f"deployments: [{{{ENTRY}}}]", "'parameters'"),
        (f"deployments: [{{{WITH} [{{cron: nonsense, timezone: Europe/Oslo}}]}}]", "nonsense"),
        (
            f"deployments: [{{{WITH} [{{cron: 0 4 * * *, timezone: Europe/Oslo}}], "
            "concurrency_limit: {limt: 1}}]",
            "1 validation",
        ),
        (
            "deployments: [{name: a, entrypoint: 'os:system'}]",
            "os:system is no flow; use pipelines",
        ),
    ],
)
def test_a_file_that_declares_no_schedules_is_refused(tmp_path, text, words):
    path = tmp_path / "prefect.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        serve.deployments(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)


def started(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "stille", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def processes_with(word):
    """Command lines of running processes that have ``word`` in them or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (process / "environ").read_text() + (process / "cmdline").read_text():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.proof
def test_serving_stops_with_its_server_and_keeps_what_is_declared(tmp_path, root):
    port, home = free_port(), tmp_path / "prefect"
    with started(
        "serve",
        root / "prefect.yaml",
        PREFECT_HOME=str(home),
        PREFECT_SERVER_API_PORT=str(port),
        PREFECT_PROFILES_PATH=str(tmp_path / "profiles.toml"),
    ) as serving:
        try:
            said = serving.stdout.readline()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api") as client:
                kept = client.post("/deployments/filter", json={}).json()
        finally:
            serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 143
        assert "Traceback" not in serving.stderr.read()
    assert said == f"6 schedules run; http://127.0.0.1:{port} shows them\n"
    assert {each["global_concurrency_limit"]["limit"] for each in kept} == {1}
    assert {each["concurrency_options"]["collision_strategy"] for each in kept} == {"CANCEL_NEW"}
    assert len(kept) == 6
    assert processes_with(str(home)) == []


@pytest.mark.promise("schedules")
@pytest.mark.fault(29)
@pytest.mark.proof
def test_schedules_fire_by_the_clock_and_stop_with_a_whole_list(demo, tmp_path, declared):
    shutil.copytree(demo.data, tmp_path / "data")
    config = demo.config_in(tmp_path, tmp_path / "data")
    nightly = declared[0] | {"schedules": [{"cron": "* * * * *", "timezone": "UTC"}]}
    nightly["parameters"] = {"config": str(config), "as_of": str(demo.as_of)}
    file, home = tmp_path / "prefect.yaml", tmp_path / "prefect"
    file.write_text(yaml.safe_dump({"deployments": [nightly]}))
    environment = {"PREFECT_SERVER_API_PORT": str(free_port()), "PREFECT_HOME": str(home)}
    with started("serve", file, **environment) as serving:
        try:
            until(lambda: current(tmp_path / "out"), 240)
            first, runs = current(tmp_path / "out"), len(records(tmp_path / "var", "nightly"))
            table = tmp_path / "data" / "tables" / "contacts.parquet"
            pq.write_table(pq.read_table(table)[:-1], table)
            until(lambda: _begun(tmp_path, first, runs), 240)
        finally:
            serving.send_signal(signal.SIGTERM)
        assert serving.wait(180) == 143
    listed, (*_, last) = current(tmp_path / "out"), records(tmp_path / "var", "nightly")
    assert verify(listed.folder)["stille"]["as_of_date"] == str(demo.as_of)
    assert last["status"] in ("succeeded", "terminated")
    assert (listed == first) == (last["status"] == "terminated")
    assert processes_with(str(home)) == []


def _begun(folder, first, runs):
    """Whether a night has begun since, and is not over."""
    return len(records(folder / "var", "nightly")) > runs and current(folder / "out") == first


def until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
    assert condition()


@pytest.mark.proof
def test_the_pages_are_served_to_this_machine_and_leave_nothing(company, tmp_path):
    company()
    port = free_port()
    mark = f"{tmp_path}/var/mlflow.db"
    with started("ui", "--config", tmp_path / "config.yaml", "--port", port) as serving:
        try:
            said = serving.stdout.readline()
            until(lambda: answers(port), 180)
            assert processes_with(mark)
        finally:
            serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 143
    page = r"runs\?workflowType=machine_learning&viewStateShareKey=stille"
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/#/experiments/\d+/{page}\n", said)
    assert processes_with(mark) == []
    assert not answers(port)


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_every_flow_has_help_for_itself_and_its_parameters():
    for name, flow in FLOWS.items():
        assert JOBS[name].name == flow.name == flow.__name__
        assert flow.description
        for parameter in parameter_schema(flow.fn).properties.values():
            assert parameter["description"].endswith(".")


def test_artifacts_of_a_training_run(trained):
    ((key, text),) = JOBS["train"].contents(trained)
    assert key == "scorecard"
    assert "# churn/1" in text
    assert f"{trained.evaluation.cards['model']['auc'].value:.4f}" in text
