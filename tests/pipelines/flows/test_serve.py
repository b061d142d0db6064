"""The schedules and the served pages."""

import re
import subprocess
import sys
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow

from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.flows import serve
from pipelines.tracking.registry import tracking_uri


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
        assert each.parameters == entry["parameters"]
        crons = [(s.schedule.cron, s.schedule.timezone) for s in each.schedules]
        assert crons == [(s["cron"], s["timezone"]) for s in entry["schedules"]]


def test_an_unknown_entrypoint_is_refused(tmp_path):
    path = tmp_path / "prefect.yaml"
    path.write_text("deployments: [{name: a, entrypoint: 'pipelines.flows.prefect_flows:demo'}]")
    with pytest.raises(ConfigError, match="prefect_flows:demo is no flow; use pipelines"):
        serve.deployments(path)


def test_serving_runs_every_deployment_and_leaves_schedules_on(monkeypatch, root):
    monkeypatch.chdir(root)
    served = {}

    def fake(*deployments, **options):
        served.update(names=[each.name for each in deployments], **options)

    monkeypatch.setattr(serve, "prefect_serve", fake)
    serve.serve()
    assert served == {
        "names": [
            "nightly",
            "nightly-catch-up",
            "weekly-training",
            "monthly-monitoring",
            "monthly-effect",
            "monthly-recalibration",
        ],
        "pause_on_shutdown": False,
    }


def test_the_pages_are_served_to_this_machine_only(monkeypatch, demo, capsys):
    called = {}

    def fake(command, **options):
        called.update(command=command, **options)

    monkeypatch.setattr(subprocess, "run", fake)
    settings = load_settings(demo.config)
    serve.open_mlflow(settings, 5055)
    command = called["command"]
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "5055"
    assert called["env"]["MLFLOW_BACKEND_STORE_URI"] == tracking_uri(settings)
    assert called["env"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    page = r"runs\?workflowType=machine_learning&viewStateShareKey=stille"
    address = rf"http://127\.0\.0\.1:5055/#/experiments/\d+/{page}\n"
    assert re.fullmatch(address, capsys.readouterr().out)


def test_serving_from_another_folder_says_where_to_go(tmp_path):
    with pytest.raises(ConfigError, match=r"prefect\.yaml: cannot be read \(No such file"):
        serve.deployments(tmp_path / "prefect.yaml")
    (tmp_path / "prefect.yaml").write_text("name: other\n")
    with pytest.raises(ConfigError, match=r"no YAML with deployments"):
        serve.deployments(tmp_path / "prefect.yaml")
