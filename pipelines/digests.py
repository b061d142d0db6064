"""Digests that name what a run was made from."""

import hashlib
import json

from pipelines.lists.rules import rule_files
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.storage import digest


def config_digest(settings: Settings) -> str:
    """SHA-256 (hex) of everything in the configuration that can change a result.

    That is also the rule table and the sentences; folders, threads and the tracking store are
    left out.
    """
    deciding = settings.model_dump(mode="json", exclude={"paths", "engine", "tracking", "privacy"})
    rules = {path.name: digest(path) for path in rule_files(settings) if path.exists()}
    return hashlib.sha256(json.dumps([deciding, rules], sort_keys=True).encode()).hexdigest()


def inputs_digest(snapshot: Snapshot) -> str:
    """SHA-256 (hex) over the digests of the input files, whatever day they were read on."""
    return hashlib.sha256(json.dumps(sorted(snapshot.inputs.items())).encode()).hexdigest()
