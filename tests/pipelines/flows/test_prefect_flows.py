"""Prefect carries a run without changing it, and a run goes on without Prefect."""

import logging
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Failed
from prefect.testing.utilities import prefect_test_harness
from trees import records, tree

from features.errors import BusyError, ContractError
from pipelines.flows import launch, prefect_flows
from pipelines.jobs.entry import NIGHTLY, TRAIN, Job
from pipelines.runtime.environment import today_in
from pipelines.training.recipe_comparison import Effort


@pytest.fixture(scope="session")
def prefect():
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def dead_prefect():
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        yield


def artifacts(key):
    with get_client(sync_client=True) as client:
        answer = client.request(
            "POST", "/artifacts/filter", json={"artifacts": {"key": {"any_": [key]}}}
        )
    return answer.json()


@pytest.mark.slow
def test_a_published_night_completes_as_a_flow_and_shows_its_list(prefect, demo, published):
    before = tree(demo.out)
    state = prefect_flows.nightly(str(demo.config), demo.as_of, return_state=True)
    assert state.is_completed()
    night = state.result()
    assert (night.publication, night.written) == (published.publication, False)
    assert tree(demo.out) == before
    assert records(demo.var, "nightly")[-1]["untracked"] is False

    (listed,) = artifacts("top-of-the-list")
    assert "C0" in listed["data"]
    assert "risk_rank" in listed["data"]
    (where,) = artifacts("publication")
    assert where["data"] == f"Already published: `{published.publication.folder}`"
    with get_client(sync_client=True) as client:
        ran = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=[state.state_details.flow_run_id])
            )
        )
        tasks = client.read_task_runs()
    assert [run.name for run in ran]
    assert {task.name.rpartition("-")[0] for task in tasks} >= {"resolve champion", "read tables"}


@pytest.mark.slow
def test_the_effect_is_measured_as_a_flow_and_shown(prefect, demo):
    found = prefect_flows.effect(str(demo.config), demo.as_of)
    assert found.path.exists()
    (shown,) = artifacts("effect")
    assert "It cannot be told yet" in shown["data"]
    assert shown["data"].count("\n| ") == 1 + len(found.effects)
    assert records(demo.var, "effect")[-1]["status"] == "succeeded"
    # A measurement publishes the night again, and others look at the night as it was.
    found.path.unlink()


@pytest.mark.slow
def test_the_launched_night_is_tracked(prefect, demo, published):
    night = launch.launch(NIGHTLY, demo.config, demo.as_of, plain=False)
    assert night.publication == published.publication
    assert records(demo.var, "nightly")[-1]["untracked"] is False


@pytest.mark.slow
def test_a_failed_night_fails_the_flow_with_its_own_error(prefect, demo, tmp_path):
    (tmp_path / "data").mkdir()
    config = demo.config_in(tmp_path, tmp_path / "data")
    with pytest.raises(ContractError, match="no file matches"):
        prefect_flows.nightly(str(config), demo.as_of)
    (record,) = records(tmp_path / "var", "nightly")
    assert (record["status"], record["exit_code"]) == ("failed", 3)


@pytest.mark.fault(25)
@pytest.mark.slow
def test_a_busy_input_is_tried_again_and_nothing_else_is(prefect, monkeypatch):
    from prefect import flow

    monkeypatch.setattr(prefect_flows, "_RETRY_SECONDS", 0.0)
    calls = []

    def busy_once() -> str:
        calls.append("busy")
        if len(calls) == 1:
            raise BusyError("still being written")
        return "read"

    def broken() -> None:
        calls.append("broken")
        raise ContractError("broken")

    @flow(name="retried")
    def carried(function):
        return prefect_flows.as_task(function)

    assert carried(busy_once) == "read"
    assert calls == ["busy", "busy"]
    with pytest.raises(ContractError, match="broken"):
        carried(broken)
    assert calls == ["busy", "busy", "broken"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [(BusyError("wait"), True), (ContractError("broken"), False), (ValueError("bug"), False)],
)
def test_only_busy_inputs_are_retried(error, expected):
    assert prefect_flows._is_busy(Failed(data=error)) is expected


def test_what_has_no_result_is_not_retried():
    assert not prefect_flows._is_busy(Completed(data="read"))
    assert not prefect_flows._is_busy(SimpleNamespace())


@pytest.mark.fault(31)
def test_a_dead_server_is_no_reason_not_to_run(dead_prefect, demo, published, caplog):
    with caplog.at_level(logging.WARNING, "stille"):
        night = launch.launch(NIGHTLY, demo.config, demo.as_of, plain=False)
    assert night.publication == published.publication
    (said,) = [record.message for record in caplog.records if record.name == "stille"]
    assert said.startswith("Prefect does not start (")
    assert said.endswith("running untracked.")
    assert records(demo.var, "nightly")[-1]["untracked"] is True


def test_prefect_finds_its_folder_where_nothing_has_run_before(dead_prefect, tmp_path, monkeypatch):
    home = tmp_path / "var" / "prefect"
    monkeypatch.setenv("PREFECT_HOME", str(home))
    assert not launch._prefect_starts()
    assert home.is_dir()


def test_plain_asks_nothing_of_prefect(demo, published, monkeypatch):
    def never() -> bool:
        raise AssertionError("asked")

    monkeypatch.setattr(launch, "_prefect_starts", never)
    assert not launch.launch(NIGHTLY, demo.config, demo.as_of, plain=True).written
    assert records(demo.var, "nightly")[-1]["untracked"] is True


def test_training_is_launched_the_same_way(monkeypatch, demo):
    asked = []
    monkeypatch.setattr(launch, "_prefect_starts", lambda: False)
    job = Job("train", lambda run, **effort: asked.append((run, effort)))
    launch.launch(job, demo.config, demo.as_of, plain=False)
    harder = asdict(Effort(challengers=True))
    launch.launch(job, demo.config, None, plain=True, **harder)
    (first, usual), (second, given) = asked
    assert (first.as_of, usual) == (demo.as_of, {})
    assert (second.as_of, given) == (today_in("Europe/Oslo"), harder)
    assert first.record.untracked
    assert second.record.untracked


def test_artifacts_of_a_training_run(monkeypatch, trained):
    shown = {}
    monkeypatch.setattr(
        prefect_flows, "create_markdown_artifact", lambda text, key: shown.update({key: text})
    )
    prefect_flows.show(TRAIN, trained)
    assert "# churn/1" in shown["scorecard"]
    assert "**Champion**" in shown["scorecard"]
    assert f"{trained.evaluation.cards['model']['auc'].value:.4f}" in shown["scorecard"]


@pytest.mark.fault(31, 44)
def test_an_artifact_that_prefect_does_not_take_undoes_nothing(monkeypatch, published, caplog):
    def gone(*_args, **_kwargs):
        raise ConnectionError

    monkeypatch.setattr(prefect_flows, "create_table_artifact", gone)
    with caplog.at_level(logging.WARNING, logger="stille"):
        prefect_flows.show(NIGHTLY, published)
    assert "Prefect did not take the top of the list (ConnectionError)" in caplog.text
