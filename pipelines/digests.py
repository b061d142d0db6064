"""Digests that name what a run was made from."""

import hashlib
import json

from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot


def config_digest(settings: Settings) -> str:
    """SHA-256 (hex) of everything in the configuration that can change a result.

    Folders, threads and the tracking store are left out.
    """
    deciding = settings.model_dump(mode="json", exclude={"paths", "engine", "tracking"})
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def inputs_digest(snapshot: Snapshot) -> str:
    """SHA-256 (hex) over the digests of the input files, whatever day they were read on."""
    return hashlib.sha256(json.dumps(sorted(snapshot.inputs.items())).encode()).hexdigest()
