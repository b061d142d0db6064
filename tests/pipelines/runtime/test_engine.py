"""Work of shards in this process and on a cluster, and what is said when a cluster fails."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import engine_work
import pytest
from dask_cluster import cluster
from programs import required
from pydantic import ValidationError

from features.errors import BusyError, ConfigError
from pipelines.config.sections import Engine
from pipelines.runtime import engine
from pipelines.runtime.engine import each

TASKS = ["a", "b", "c"]
ROOT = Path(__file__).parents[3]


def on(address):
    return Engine(kind="dask", address=address)


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


@pytest.mark.parametrize(
    "section",
    [
        {"kind": "dask"},
        {"kind": "dask", "address": "host:8786"},
        {"kind": "dask", "address": "tls://host:8786"},
        {"kind": "dask", "address": "tcp://host:8786", "tls": {"ca": "a"}},
        {"kind": "dask", "address": "tls://host:8786", "tls": {"ca": "a", "key": "k"}},
    ],
)
def test_an_engine_that_cannot_be_reached_is_no_configuration(section):
    with pytest.raises(ValidationError, match=r"tls://host:port"):
        Engine(**section)


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


def test_this_process_does_each_task_in_order():
    assert list(each(Engine(), str.upper, TASKS)) == [(0, "A"), (1, "B"), (2, "C")]
    with pytest.raises(ConfigError, match="a cannot be used"):
        list(each(Engine(), engine_work.refuse, TASKS))


@pytest.mark.proof
def test_a_task_that_ends_its_worker_is_given_up_after_three_and_named(tmp_path):
    with cluster(tmp_path / "dask", workers=0, allowed_failures=2, worker_saturation=1.0) as made:
        made.worker("--nanny")
        made.worker("--nanny")
        said = r"3 workers ended .* on shard 1 \(kill_at_b\).*memory.*KIND=process"
        with pytest.raises(ConfigError, match=said):
            list(each(on(made.address), engine_work.kill_at_b, TASKS))
        found = dict(each(on(made.address), engine_work.upper, TASKS))
        assert [found[number][0] for number in range(3)] == ["A", "B", "C"]


@pytest.mark.proof
def test_a_scheduler_that_ends_is_told(tmp_path):
    with cluster(tmp_path / "dask") as made:
        address = made.address
        tasks = each(on(address), engine_work.upper, TASKS)
        next(tasks)
        made.processes[0].kill()
        with pytest.raises(BusyError, match=f"{address}: the scheduler is gone"):
            list(tasks)


@pytest.mark.proof
def test_run_and_cluster_know_each_other_by_their_certificates(tmp_path):
    openssl = required("openssl", shutil.which("openssl"), "apt-get install openssl")
    for name in ("ours", "other"):
        subject = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
        subprocess.run([openssl, "req", *subject, *files], cwd=tmp_path, check=True)
    ours, other = (
        {
            "ca": tmp_path / f"{n}.crt",
            "certificate": tmp_path / f"{n}.crt",
            "key": tmp_path / f"{n}.key",
        }
        for n in ("ours", "other")
    )
    options = [
        "--tls-ca-file",
        ours["ca"],
        "--tls-cert",
        ours["certificate"],
        "--tls-key",
        ours["key"],
    ]
    with cluster(tmp_path / "dask", workers=0, options=["--protocol", "tls", *options]) as made:
        made.worker(*map(str, options))
        choice = Engine(kind="dask", address=made.address, tls=ours)
        assert len(list(each(choice, engine_work.upper, TASKS))) == 3
        stranger = Engine(kind="dask", address=made.address, tls=other)
        with pytest.raises(ConfigError, match=r"engine\.address tls://.*no Dask scheduler answers"):
            list(each(stranger, engine_work.upper, TASKS))


@pytest.mark.proof
def test_a_frozen_worker_is_replaced(tmp_path):
    with cluster(tmp_path / "dask", worker_ttl="5s") as made:
        made.worker()
        [(_, text)] = each(on(made.address), engine_work.freeze_once, [str(tmp_path / "frozen")])
        assert int(text) in {process.pid for process in made.processes}
        for process in made.processes:
            process.kill()


@pytest.mark.proof
def test_spark_does_the_same_work(monkeypatch):
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "helpers"))))
    found = dict(each(Engine(kind="spark", address="local[2]"), engine_work.upper, TASKS))
    assert {number: text[0] for number, text in found.items()} == {0: "A", 1: "B", 2: "C"}
