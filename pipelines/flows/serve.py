"""Long-running services: the schedules on one machine, and MLflow's pages."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen
from uuid import UUID

import yaml
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_PORT, temporary_settings
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType

from features.errors import ConfigError
from pipelines.config.settings import Settings
from pipelines.flows import prefect_flows
from pipelines.runtime.environment import make_prefect_home
from pipelines.tracking.registry import VIEW, connect, tracking_uri

_HERE = "127.0.0.1"
_START_SECONDS = 180.0
_END_SECONDS = 8.0
_ENTRYPOINTS = {
    f"{prefect_flows.__name__}:{name}": flow for name, flow in prefect_flows.FLOWS.items()
}


def deployments(path: Path) -> list[RunnerDeployment]:
    """The deployments of a ``prefect.yaml``, for one process that runs them all.

    Configurations that it names lie beside it. Raises ``ConfigError`` for a file that cannot be
    read or declares none, and for an entrypoint that is no flow of this project.
    """
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        return [_deployment(path, entry) for entry in declared]
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise ConfigError(
            f"{path.absolute()}: cannot be read as deployments ({why}). Mend it, or name another "
            "file: stille serve FILE"
        ) from error


def _deployment(path: Path, entry: dict[str, Any]) -> RunnerDeployment:
    if entry["entrypoint"] not in _ENTRYPOINTS:
        raise ConfigError(
            f"{path}: {entry['entrypoint']} is no flow; use {' or '.join(_ENTRYPOINTS)}."
        )
    given, limit = entry["parameters"], entry.get("concurrency_limit")
    return RunnerDeployment.from_flow(
        _ENTRYPOINTS[entry["entrypoint"]],
        entry["name"],
        parameters={**given, "config": str(path.parent / given["config"])},
        schedules=[Cron(each["cron"], timezone=each["timezone"]) for each in entry["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(**limit) if isinstance(limit, dict) else limit,
        tags=entry.get("tags"),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def serve(path: Path) -> None:
    """Run every deployment's schedules until stopped; they go on at the next start."""
    declared = deployments(path)
    make_prefect_home()
    with _api_with_schedules() as address, temporary_settings({PREFECT_API_URL: address}):
        os.environ["PREFECT_API_URL"] = address
        runner = _Runner(pause_on_shutdown=False)
        _end_dead_runs([cast(UUID, runner.add_deployment(each)) for each in declared])
        signal.signal(signal.SIGINT, runner.handle_sigterm)
        page = address.removesuffix("/api")
        print(f"{len(declared)} schedules run; {page} shows them", flush=True)
        asyncio.run(runner.start())
    sys.exit(runner.exit_code)


def _end_dead_runs(served: list[UUID]) -> None:
    """End what an earlier process left as running: it would hold the limit of its deployment."""
    ours = {"deployments": {"id": {"any_": [str(each) for each in served]}}}
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    with get_client(sync_client=True) as client:
        for run in client.request("POST", "/flow_runs/filter", json=ours | running).json():
            died: State[Any] = Crashed(message="The process that served it has died.")
            client.set_flow_run_state(UUID(run["id"]), died, force=True)


class _Runner(Runner):
    """Prefect's runner, which ends its runs before itself; its own would kill them at once."""

    exit_code = 0

    def handle_sigterm(self, *args: Any, **_: Any) -> None:
        """Let every run write its record and clear its staging folder, then stop."""
        self.exit_code = 128 + args[0]
        if self.started:
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(lambda: loop.create_task(self.astop()))
        elif not self.stopping:
            sys.exit(self.exit_code)


@contextmanager
def _api_with_schedules() -> Iterator[str]:
    """Address of the configured server, or of one that runs while the block does.

    The server that Prefect starts where none is configured runs no schedules.
    """
    if configured := PREFECT_API_URL.value():
        yield configured
        return
    port = str(PREFECT_SERVER_API_PORT.value())
    address = f"http://{_HERE}:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", _HERE, "--port", port]
    with _process_group(command, stdout=subprocess.DEVNULL) as server:
        until = time.monotonic() + _START_SECONDS
        while server.poll() is None and time.monotonic() < until:
            with suppress(OSError), urlopen(f"{address}/health", timeout=2):  # noqa: S310  (http, on loopback)
                break
            time.sleep(0.5)
        else:
            raise ConfigError(
                f"Prefect's server does not start on {address}. If the port is taken, set "
                "PREFECT_SERVER_API_PORT, or PREFECT_API_URL to a server that runs; then: "
                "stille serve"
            )
        yield address


def open_mlflow(settings: Settings, port: int) -> None:
    """Serve MLflow's pages on this machine only, and print the address of the runs."""
    experiment = connect(settings)
    page = f"experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
    print(f"http://{_HERE}:{port}/#/{page}", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HERE, "--workers", "1"]
    command += ["--port", str(port)]
    # Not on the command line, which everybody on the machine may read.
    store = {"MLFLOW_BACKEND_STORE_URI": tracking_uri(settings)}
    environment = {**os.environ, **store, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _process_group(command, env=environment) as server:
        server.wait()


@contextmanager
def _process_group(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, of which nothing is left after the block."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    program = subprocess.Popen(command, start_new_session=True, **options)  # noqa: S603  (this interpreter, fixed words, a port)
    try:
        yield program
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(program.pid, number)
            with suppress(subprocess.TimeoutExpired):
                program.wait(_END_SECONDS)
