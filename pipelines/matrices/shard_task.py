"""Task of one shard as text: what a worker needs of a run, and no secret.

Any process that has the same release and sees the same folders can do it.
"""

import json
import socket
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from features.errors import ConfigError, ContractError
from pipelines.config.settings import Settings
from pipelines.runtime.environment import code_version
from pipelines.snapshots.facts import read_snapshot
from pipelines.snapshots.snapshot import Snapshot

# At import: what is installed under a running worker later is not what it runs.
_RELEASE = code_version()
# Of sources only what the features' code asks for: addresses of databases stay here.
_NEEDED: Any = {
    "company": True,
    "label": True,
    "paths": True,
    "training": {"first_as_of"},
    "engine": {"threads", "memory_limit"},
    "sources": {"__all__": {"known_delay_days", "duplicates", "attributes"}},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the tasks of all shards share; ``job`` is what the caller of ``shard_tasks`` gave."""

    settings: Settings
    snapshot: Snapshot
    job: dict[str, Any]


def shard_tasks(settings: Settings, snapshot: Snapshot, **job: Any) -> list[str]:
    """A text for each shard of the snapshot, in order; ``job`` is plain JSON."""
    paths = settings.paths.model_copy(update={"var": settings.paths.var.absolute()})
    needed = settings.model_copy(update={"paths": paths})
    plan = json.dumps(
        {
            "release": _RELEASE,
            "snapshot": [str(snapshot.root.absolute()), snapshot.digest],
            "settings": needed.model_dump(mode="json", include=_NEEDED, exclude_defaults=True),
            "job": job,
        }
    )
    return [json.dumps([plan, shard]) for shard in range(snapshot.shards)]


def read_task(text: str) -> tuple[Plan, int]:
    """The plan, and the number of the shard.

    Raises ``ConfigError`` where this process has another release, or does not see the snapshot.
    """
    plan, shard = json.loads(text)
    return _read_plan(plan), int(shard)


@lru_cache(maxsize=1)
def _read_plan(text: str) -> Plan:
    plan = json.loads(text)
    root, digest = plan["snapshot"]
    if plan["release"] != _RELEASE:
        raise ConfigError(
            f"the worker on {socket.gethostname()} runs release {_RELEASE} of stille, and this run "
            f"{plan['release']}: install the same one there, and start the workers again"
        )
    try:
        snapshot = read_snapshot(Path(root))
    except ContractError:
        snapshot = None
    if snapshot is None or snapshot.digest != digest:
        raise ConfigError(
            f"the worker on {socket.gethostname()} does not see the snapshot {root}: paths.var "
            "must be one folder, under the same name, for the run and for every worker"
        )
    # The run that sent the task has the lock.
    return Plan(Settings(**plan["settings"]), replace(snapshot, lock=None), plan["job"])
