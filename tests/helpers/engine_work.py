"""Work for an engine: each function is a worker's, and gets and gives text."""

import os
import signal
import time
from pathlib import Path

from features.errors import ConfigError
from pipelines.matrices import build
from pipelines.matrices.shard_task import read_task


def upper(task: str) -> str:
    return f"{task.upper()} {os.getpid()}"


def refuse(task: str) -> str:
    raise ConfigError(f"{task} cannot be used")


def time_out(task: str) -> str:
    raise TimeoutError(task)


def kill_at_b(task: str) -> str:
    """End the worker at ``b``, as a machine without memory does."""
    if task == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def freeze_once(task: str) -> str:
    """Stop the first worker that comes by the file named ``task``, which it makes."""
    try:
        Path(task).touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGSTOP)
    except FileExistsError:
        time.sleep(0.1)
    return str(os.getpid())


def die_while_writing(task: str) -> str:
    """Build a shard; the first worker that comes by is killed with half a file written."""
    into = read_task(task)[0].into.parent
    try:
        into.with_suffix(".killed").touch(exist_ok=False)
    except FileExistsError:
        return build.build_shard(task)
    write = build.pq.write_table

    def write_half(rows, path, **options):
        write(rows, path, **options)
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    build.pq.write_table = write_half
    return build.build_shard(task)
