"""Prefect and MLflow on PostgreSQL: a deployment, a worker that publishes a night, a backup."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from adbc_driver_postgresql import dbapi
from postgres_server import cluster
from programs import required
from trees import records

from pipelines.jobs.entry import NIGHTLY, TRAIN

pytestmark = pytest.mark.proof
BIN = Path(sys.executable).parent
HEARD = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(log, env, *command):
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env=env, cwd=log.parent, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url, log, seconds=180):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  (http, on loopback)
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])


def rows(address, database, table):
    with dbapi.connect(f"{address}/{database}") as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {table}")
        return cursor.fetchone()[0]


def restore(programs, server, address, database):
    dumped = [programs / "pg_dump", f"{address}/{database}"]
    dump = subprocess.run(dumped, capture_output=True, check=True).stdout
    server.run(f"create database restored_{database}")
    into = f"{address}/restored_{database}"
    given = [programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", into]
    subprocess.run(given, input=dump, check=True, stdout=subprocess.DEVNULL)


def declare(root, folder, config):
    shutil.copytree(root / "configs", folder / "configs")
    declared = yaml.safe_load((root / "prefect.yaml").read_text("utf-8"))
    for each in declared["deployments"]:
        each["parameters"]["config"] = str(config)
    (folder / "prefect.yaml").write_text(yaml.safe_dump(declared))


def test_a_worker_runs_a_deployed_night_on_postgresql_and_another_goes_on_from_its_dump(
    postgresql, demo, root, tmp_path
):
    driver = importlib.util.find_spec("psycopg2")
    required("psycopg2", driver, "pip install 'stille[server]'")
    ports = {name: free_port() for name in ("prefect", "mlflow")}
    api = f"http://127.0.0.1:{ports['prefect']}/api"
    env = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": api,
    }
    (tmp_path / "prefect").mkdir()
    with cluster(postgresql) as server:
        server.run("create database prefect", "create database mlflow")
        address = server.uri().removesuffix("/postgres")
        env["MLFLOW_BACKEND_STORE_URI"] = address + "/mlflow"
        env["PREFECT_API_DATABASE_CONNECTION_URL"] = (
            address.replace("postgresql:", "postgresql+asyncpg:") + "/prefect"
        )
        host = ("--host", "127.0.0.1", "--port")
        serve = (BIN / "prefect", "server", "start", *host, str(ports["prefect"]))
        kept = ("--workers", "1", "--artifacts-destination", str(tmp_path / "artifacts"))
        pages = (BIN / "mlflow", "server", *host, str(ports["mlflow"]), *kept)
        logs = {name: tmp_path / f"{name}.log" for name in ("prefect", "mlflow", "worker")}
        with running(logs["prefect"], env, *serve), running(logs["mlflow"], env, *pages):
            answers(f"{api}/health", logs["prefect"])
            answers(f"http://127.0.0.1:{ports['mlflow']}/health", logs["mlflow"])
            uri = f"http://127.0.0.1:{ports['mlflow']}"
            told = {"command": [sys.executable, "-c", HEARD, str(tmp_path / "heard")]}
            config = demo.config_in(tmp_path, tracking={"uri": uri}, notifications=told)
            TRAIN.start(config, demo.as_of)
            declare(root, tmp_path, config)

            def prefect(*words):
                command = [BIN / "prefect", *words]
                subprocess.run(command, check="--watch" not in words, cwd=tmp_path, env=env)

            prefect("work-pool", "create", "stille", "--type", "process")
            prefect("--no-prompt", "deploy", "--all")
            work = (BIN / "prefect", "worker", "start", "--pool", "stille", "--type", "process")
            with running(logs["worker"], env, *work):
                for day in (demo.as_of, demo.as_of - timedelta(days=1)):
                    given = ("-p", f"as_of={day}", "--watch")
                    prefect("deployment", "run", "nightly/nightly", *given)
            folder = (tmp_path / "out" / "current").resolve()
            assert folder.parent.name == str(demo.as_of)
            well, older = records(tmp_path / "var", "nightly")
            assert (well["status"], well["degraded"]) == ("succeeded", False)
            assert not well["untracked"]
            assert (older["status"], older["exit_code"]) == ("failed", 2)
            heard = (tmp_path / "heard").read_text("utf-8")
            assert heard.count("nightly failed, exit code 2") == 1
        for database, table in (("prefect", "flow_run"), ("mlflow", "registered_models")):
            restore(postgresql, server, address, database)
            assert rows(address, f"restored_{database}", table) == rows(address, database, table)
        server.run("drop database mlflow")
        env["MLFLOW_BACKEND_STORE_URI"] = f"{address}/restored_mlflow"
        shutil.rmtree(tmp_path / "var" / "champion")
        with running(logs["mlflow"], env, *pages):
            answers(f"{uri}/health", logs["mlflow"])
            assert not NIGHTLY.start(config, demo.as_of).written
        assert not records(tmp_path / "var", "nightly")[-1]["degraded"]
