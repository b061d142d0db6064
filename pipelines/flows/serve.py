"""Long-running services: the schedules on one machine, and MLflow's pages."""

import os
import subprocess
import sys
from pathlib import Path

import yaml
from prefect import serve as prefect_serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from features.errors import ConfigError
from pipelines.config.settings import Settings
from pipelines.flows import prefect_flows
from pipelines.runtime.environment import make_prefect_home
from pipelines.tracking.registry import VIEW, connect, tracking_uri

_ENTRYPOINTS = {
    f"{prefect_flows.__name__}:{name}": flow for name, flow in prefect_flows.FLOWS.items()
}


def deployments(path: Path = Path("prefect.yaml")) -> list[RunnerDeployment]:
    """The deployments of ``prefect.yaml``, for one process that runs them all.

    Raises ``ConfigError`` for a file that cannot be read or declares none, and for an entrypoint
    that is no flow of this project.
    """
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        why = getattr(error, "strerror", None) or "no YAML with deployments"
        raise ConfigError(
            f"{path.absolute()}: cannot be read ({why}). The schedules stand in the prefect.yaml "
            "of the folder in which Stille runs; go there, then run: stille serve"
        ) from error
    made = []
    for entry in declared:
        if entry["entrypoint"] not in _ENTRYPOINTS:
            raise ConfigError(
                f"{path}: {entry['entrypoint']} is no flow; use {' or '.join(_ENTRYPOINTS)}."
            )
        schedules = [Cron(each["cron"], timezone=each["timezone"]) for each in entry["schedules"]]
        made.append(
            RunnerDeployment.from_flow(
                _ENTRYPOINTS[entry["entrypoint"]],
                entry["name"],
                parameters=entry["parameters"],
                schedules=schedules,
                entrypoint_type=EntrypointType.MODULE_PATH,
            )
        )
    return made


def serve() -> None:
    """Run every deployment's schedules until stopped; they go on at the next start."""
    declared = deployments()
    make_prefect_home()
    prefect_serve(*declared, pause_on_shutdown=False)


def open_mlflow(settings: Settings, port: int) -> None:
    """Serve MLflow's pages on this machine only, and print the address of the runs."""
    experiment = connect(settings)
    page = f"experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
    print(f"http://127.0.0.1:{port}/#/{page}", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port)]
    # Not on the command line, which everybody on the machine may read.
    store = {"MLFLOW_BACKEND_STORE_URI": tracking_uri(settings)}
    environment = {**os.environ, **store, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    subprocess.run(command, env=environment, check=False)  # noqa: S603  (fixed words, a number)
