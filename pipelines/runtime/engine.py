"""Engine: the work of each shard, in this process or on a cluster of Dask or Spark.

Text goes in and comes out; rows travel through files in a folder that every process sees. A task
may run twice, or go on after another has taken over, so no two attempts write the same file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from features.errors import BusyError, ConfigError
from pipelines.runtime.time_limit import within

if TYPE_CHECKING:
    from distributed import Client

Work = Callable[[str], str]
_CONNECT_SECONDS = 10
_IDLE_SECONDS = 300
_DOCS = "docs/scale.md"


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
    engines = {"process": _in_process, "dask": _on_dask, "spark": _on_spark}
    return engines[engine.kind](engine, work, tasks)


def _in_process(
    _engine: EngineChoice, work: Work, tasks: Sequence[str]
) -> Iterator[tuple[int, str]]:
    yield from enumerate(map(work, tasks))


def _on_spark(engine: EngineChoice, work: Work, tasks: Sequence[str]) -> Iterator[tuple[int, str]]:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise _not_installed("spark", "pyspark") from error
    builder = SparkSession.builder.appName("stille")
    builder = builder.master(engine.address) if engine.address else builder
    context = builder.getOrCreate().sparkContext
    yield from enumerate(context.parallelize(tasks, len(tasks)).map(work).collect())


def _on_dask(engine: EngineChoice, work: Work, tasks: Sequence[str]) -> Iterator[tuple[int, str]]:
    try:
        from distributed import KilledWorker, wait
    except ImportError as error:
        raise _not_installed("dask", "distributed") from error
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
                        f"{place}: no worker is there. Start some, of the same release, and look "
                        f"at the log of those that ended: {_DOCS}"
                    ) from error
                continue
            except CancelledError as error:
                raise BusyError(f"{place}: the scheduler is gone. Start it: {_DOCS}") from error
            except RuntimeError as error:
                if "deserialization" not in str(error):
                    raise
                raise ConfigError(
                    f"{place}: the scheduler, or a worker, cannot read a task. Install the release "
                    f"of this run there too: {_DOCS}"
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
    try:
        security = Security(require_encryption=bool(files), **files)
        return within(
            _CONNECT_SECONDS + 1,
            lambda: Client(
                engine.address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False
            ),
        )
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"engine.address {engine.address}: no Dask scheduler answers ({error or 'silence'}). "
            f"Start one ({_DOCS}), mend the address or engine.tls, or do without: "
            "STILLE__ENGINE__KIND=process"
        ) from error


def _not_installed(kind: str, package: str) -> ConfigError:
    return ConfigError(f"engine.kind {kind} needs {package}. Run: pip install 'stille[{kind}]'")
