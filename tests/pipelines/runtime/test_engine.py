"""Work of shards in this process and on a cluster, and what is said when a cluster fails."""

import socket
import subprocess
import sys
import time

import engine_work
import pytest
from dask_cluster import cluster

from features.errors import BusyError, ConfigError
from pipelines.config.sections import Engine
from pipelines.runtime import engine
from pipelines.runtime.engine import each

TASKS = ["a", "b", "c"]


def on(address):
    return Engine(kind="dask", address=address)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A cluster that gives a task up when it has ended one worker."""
    with cluster(tmp_path_factory.mktemp("dask") / "one", allowed_failures=0) as made:
        yield made


def test_each_task_is_done_here_or_there_and_comes_back_with_its_number(dask):
    here, there = (
        dict(each(engine, engine_work.upper, TASKS)) for engine in (Engine(), on(dask.address))
    )
    [mine], [other] = ({text.split()[1] for text in texts.values()} for texts in (here, there))
    assert mine != other
    for texts in (here, there):
        assert {number: text[0] for number, text in texts.items()} == {0: "A", 1: "B", 2: "C"}


def test_what_a_task_raises_is_raised_here(dask):
    for choice in (Engine(), on(dask.address)):
        with pytest.raises(ConfigError, match="a cannot be used"):
            list(each(choice, engine_work.refuse, ["a"]))
        with pytest.raises(TimeoutError, match="a"):
            list(each(choice, engine_work.time_out, ["a"]))


def test_a_task_that_ends_its_worker_is_given_up_by_name(dask):
    dask.worker()
    with pytest.raises(ConfigError, match=r"shard .*1.*\(kill_at_b\).*memory.*KIND=process"):
        list(each(on(dask.address), engine_work.kill_at_b, TASKS))


def test_a_cluster_without_workers_is_no_reason_to_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_IDLE_SECONDS", 1)
    with (
        cluster(tmp_path / "dask", workers=0) as made,
        pytest.raises(BusyError, match="no worker is there"),
    ):
        list(each(on(made.address), engine_work.upper, TASKS))


@pytest.mark.parametrize("answer", ["none", "silence"])
def test_an_address_without_a_scheduler_is_told_within_seconds(answer, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "_CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if answer == "none":
            server.close()
        started = time.monotonic()
        with pytest.raises(ConfigError, match=f"^engine.address {address}: no Dask scheduler"):
            list(each(on(address), engine_work.upper, TASKS))
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(("kind", "package"), [("dask", "distributed"), ("spark", "pyspark.sql")])
def test_an_engine_that_is_not_installed_is_named_with_its_command(kind, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"pip install 'stille\[{kind}\]'"):
        list(each(Engine(kind=kind, address="tcp://127.0.0.1:1"), engine_work.upper, TASKS))


def test_no_engine_is_imported_before_it_is_chosen():
    code = (
        "import sys, pipelines.matrices.build;print({'distributed', 'pyspark'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.proof
def test_a_frozen_worker_is_replaced(tmp_path):
    with cluster(tmp_path / "dask", worker_ttl="5s") as made:
        made.worker()
        [(_, text)] = each(on(made.address), engine_work.freeze_once, [str(tmp_path / "frozen")])
        assert int(text) in {process.pid for process in made.processes}
        for process in made.processes:
            process.kill()


@pytest.mark.proof
def test_spark_does_the_same_work():
    pytest.importorskip("pyspark")
    found = dict(each(Engine(kind="spark", address="local[2]"), engine_work.upper, TASKS))
    assert {number: text[0] for number, text in found.items()} == {0: "A", 1: "B", 2: "C"}
