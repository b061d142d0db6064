"""A Dask cluster of real processes on the loopback interface, as a test starts one."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from programs import required

_ROOT = Path(__file__).parents[2]
_SECONDS = 60


@dataclass
class Cluster:
    """A scheduler and its workers, which log into ``folder``."""

    folder: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        deadline, file = time.monotonic() + _SECONDS, self.folder / "scheduler.json"
        while time.monotonic() < deadline:
            if file.exists() and (text := file.read_text("utf-8")):
                return json.loads(text)["address"]
            time.sleep(0.05)
        raise TimeoutError("the scheduler did not start")

    def start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        """``scheduler`` or ``worker``, in a folder that is not the run's."""
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard"]
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("wb") as file:
            started = subprocess.Popen(
                [*command, "--scheduler-file", "scheduler.json", *options],
                **{"cwd": self.folder, "env": self.environment, "stdout": file, "stderr": file},
            )
        self.processes.append(started)
        return started

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """A worker of one process, unless ``options`` have ``--nanny``, who starts it anew."""
        nanny = () if "--nanny" in options else ("--no-nanny",)
        folder = ("--local-directory", str(self.folder))
        return self.start("worker", "--nthreads", "1", *folder, *nanny, *options)


@contextmanager
def cluster(
    folder: Path, workers: int = 1, options: Sequence[object] = (), **settings: object
) -> Iterator[Cluster]:
    """``options`` and ``settings`` (by name) are the scheduler's."""
    required("distributed", importlib.util.find_spec("distributed"), "pip install 'stille[dask]'")
    folder.mkdir()
    paths = os.pathsep.join(map(str, (_ROOT, _ROOT / "tests" / "helpers")))
    names = {f"DASK_DISTRIBUTED__SCHEDULER__{n.upper()}": str(v) for n, v in settings.items()}
    made = Cluster(folder, {**os.environ, "PYTHONPATH": paths, **names})
    try:
        made.start("scheduler", "--host", "127.0.0.1", "--port", "0", *map(str, options))
        for _ in range(workers):
            made.worker()
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait()
