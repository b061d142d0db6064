"""Engine: the work of each shard, in this process or on a cluster of Dask or Spark.

Text goes in and comes out; rows travel in files of a folder that every process sees. A task may run
twice, or go on after another has taken over, so no two attempts write the same file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from features.errors import BusyError, ConfigError
from pipelines.runtime.environment import within

if TYPE_CHECKING:
    from distributed import Client

Work = Callable[[str], str]
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 300


class EngineChoice(Protocol):
    """Where work is done: ``process``, ``dask`` or ``spark``; a cluster's address and TLS files."""

    @property
    def kind(self) -> str: ...
    @property
    def address(self) -> str | None: ...
    @property
    def tls(self) -> Mapping[str, Path]: ...


def each(engine: EngineChoice, work: Work, tasks: Sequence[str]) -> Iterator[tuple[int, str]]:
    """``work`` of each task, with the task's number, as they are done.

    ``work`` is an importable function: a cluster gets its name, and has the same release. What it
    raises is raised here. Raises ``ConfigError`` when the cluster cannot be used or a task ends
    every worker that takes it, and ``BusyError`` when the cluster goes away.
    """
    if engine.kind == "dask":
        return _on_dask(engine, work, tasks)
    return enumerate(_on_spark(engine, work, tasks) if engine.kind == "spark" else map(work, tasks))


def _on_spark(engine: EngineChoice, work: Work, tasks: Sequence[str]) -> list[str]:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise _not_installed(engine.kind) from error
    builder = SparkSession.builder.appName("stille")
    builder = builder.master(engine.address) if engine.address else builder
    texts: list[str] = (
        builder.getOrCreate().sparkContext.parallelize(tasks, len(tasks)).map(work).collect()
    )
    return texts


def _on_dask(engine: EngineChoice, work: Work, tasks: Sequence[str]) -> Iterator[tuple[int, str]]:
    try:
        from distributed import KilledWorker, wait
        from distributed.comm import CommClosedError
    except ImportError as error:
        raise _not_installed(engine.kind) from error
    place, client = f"engine.address {engine.address}", _connect(engine)
    with client, client.as_current():
        futures = client.map(work, tasks, pure=False, key=work.__name__)
        waiting = {future: number for number, future in enumerate(futures)}
        del futures
        while waiting:
            try:
                future = wait(list(waiting), _IDLE_SECONDS, "FIRST_COMPLETED").done.pop()
                text = future.result(_IDLE_SECONDS)
            except TimeoutError as error:
                if any(future.status == "error" for future in waiting):
                    raise
                # Nothing was done in this time, or a result died with its worker.
                if not client.nthreads():
                    raise BusyError(
                        f"{place}: no worker is there. Start some, of the same release, and read "
                        "the logs of those that ended (docs/scale.md)"
                    ) from error
                continue
            except (CancelledError, CommClosedError) as error:
                raise BusyError(
                    f"{place}: the scheduler is gone. Start it, and run again"
                ) from error
            except KilledWorker as error:
                # Besides the shard that ends workers, those that were next on them.
                shards = ", ".join(str(waiting[f]) for f in waiting if f.status == "error")
                raise ConfigError(
                    f"{place}: {error.allowed_failures + 1} workers ended while they worked on "
                    f"shard {shards} ({work.__name__}), most often as memory is short: lower "
                    "engine.shard_size or engine.memory_limit, or give workers more. To see why, "
                    "run the same command with STILLE__ENGINE__KIND=process"
                ) from error
            # A result that dies with its worker would be worked out again.
            future.release()
            yield waiting.pop(future), text


def _connect(engine: EngineChoice) -> "Client":
    from distributed import Client, Security

    names = {"ca": "tls_ca_file", "certificate": "tls_client_cert", "key": "tls_client_key"}
    files = {names[name]: str(path) for name, path in engine.tls.items()}
    options = {"timeout": _CONNECT_SECONDS, "set_as_default": False}
    try:
        security = Security(require_encryption=bool(files), **files)
        # The handshake after the connection has no time limit of its own.
        return within(
            _CONNECT_SECONDS + 1, lambda: Client(engine.address, security=security, **options)
        )
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"engine.address {engine.address}: no Dask scheduler answers ({error or 'silence'}). "
            "Start one (docs/scale.md), mend the address or engine.tls, or do without: "
            "STILLE__ENGINE__KIND=process"
        ) from error


def _not_installed(kind: str) -> ConfigError:
    return ConfigError(f"engine.kind {kind} is not installed. Run: pip install 'stille[{kind}]'")
