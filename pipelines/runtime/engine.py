"""Engine: the work of each shard, in this process or on a cluster of Dask or Spark.

Text goes in and comes out; rows travel through files in a folder that every process sees. A task
may run twice, or go on after another has taken over, so no two attempts write the same file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from features.errors import BusyError, ConfigError

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
        from distributed import Client, KilledWorker, Security, wait
    except ImportError as error:
        raise _not_installed("dask", "distributed") from error
    try:
        names = {"ca": "tls_ca_file", "certificate": "tls_client_cert", "key": "tls_client_key"}
        files = {names[name]: str(path) for name, path in engine.tls.items()}
        security = Security(require_encryption=bool(files), **files)
        client = Client(engine.address, security=security, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"engine.address {engine.address}: no Dask scheduler answers there ({error}). Start "
            "it, or mend the address or engine.tls; without a cluster: engine.kind: process"
        ) from error
    with client:
        waiting = {
            future: number
            for number, future in enumerate(client.map(work, tasks, pure=False, key=work.__name__))
        }
        while waiting:
            try:
                done = wait(list(waiting), _IDLE_SECONDS, return_when="FIRST_COMPLETED").done
            except TimeoutError as error:
                if client.nthreads():
                    continue
                raise BusyError(f"{engine.address}: no worker") from error
            for future in done:
                number = waiting.pop(future)
                try:
                    text = future.result()
                except KilledWorker as error:
                    raise ConfigError(str(error)) from error
                # A result that dies with its worker would be worked out again.
                future.release()
                yield number, text


def _not_installed(kind: str, package: str) -> ConfigError:
    return ConfigError(f"engine.kind {kind} needs {package}. Run: pip install 'stille[{kind}]'")
