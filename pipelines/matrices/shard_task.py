"""Task of one shard as text: what a worker needs of a run, and no secret.

Any process that has the same release and sees the same folders can do it.
"""

import json
import secrets
import socket
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import ConfigError, ContractError
from pipelines.config.sections import Section
from pipelines.config.settings import Settings
from pipelines.matrices.store import open_store
from pipelines.runtime.environment import code_version
from pipelines.snapshots.facts import read_snapshot
from pipelines.snapshots.snapshot import Snapshot

# At import: what is installed under a running worker later is not what it runs.
_RELEASE = code_version()
# Of sources only what the features' code asks for: addresses of databases stay here.
_NEEDED: Any = {
    "company": {"name", "timezone", "currency", "language", "price_notice"},
    "label": True,
    "paths": True,
    "training": {"first_as_of"},
    "engine": {"threads", "memory_limit"},
    "sources": {"__all__": {"known_delay_days", "duplicates", "attributes"}},
}


class ShardTask(Section):
    """What is to be made of a shard of a snapshot, with the matrix store, below ``into``."""

    release: str
    snapshot: Path
    digest: str
    shard: int
    settings: Settings
    store: Path
    into: Path
    as_ofs: tuple[date, ...]
    known_before: date | None
    names: tuple[str, ...]
    share: float


def shard_tasks(
    settings: Settings,
    snapshot: Snapshot,
    into: Path,
    as_ofs: Sequence[date],
    known_before: date | None,
    names: Collection[str] = (),
    share: float = 1.0,
) -> list[str]:
    """A text for each shard of the snapshot, in order."""
    paths = settings.paths.model_copy(update={"var": settings.paths.var.absolute()})
    needed = settings.model_copy(update={"paths": paths}).model_dump(include=_NEEDED)
    task = ShardTask(
        release=_RELEASE,
        snapshot=snapshot.root.absolute(),
        digest=snapshot.digest,
        shard=0,
        settings=Settings(**needed),
        store=open_store(settings, snapshot.shards, share).root.absolute(),
        into=into.absolute(),
        as_ofs=tuple(as_ofs),
        known_before=known_before,
        names=tuple(names),
        share=share,
    )
    tasks = (task.model_copy(update={"shard": number}) for number in range(snapshot.shards))
    return [each.model_dump_json(exclude_defaults=True, exclude_unset=True) for each in tasks]


def read_task(text: str) -> tuple[ShardTask, Snapshot]:
    """An attempt at a task, with a folder ``into`` that no other attempt has, and its snapshot.

    Raises ``ConfigError`` where this process has another release, or does not see the snapshot.
    """
    worker, release = f"the worker on {socket.gethostname()}", json.loads(text)["release"]
    if release != _RELEASE:
        raise ConfigError(
            f"{worker} runs release {_RELEASE} of stille, and this run {release}: install the same "
            "one there, and start the workers again"
        )
    task = ShardTask.model_validate_json(text)
    try:
        snapshot = read_snapshot(task.snapshot)
    except ContractError:
        snapshot = None
    if snapshot is None or snapshot.digest != task.digest:
        raise ConfigError(
            f"{worker} does not see the snapshot {task.snapshot}: paths.var must be one folder, "
            "under the same name, for the run and for every worker"
        )
    return task.model_copy(update={"into": task.into / secrets.token_hex(8)}), snapshot
