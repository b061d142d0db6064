"""Content digest of the input files: the same files give the same digest on any day."""

import hashlib
import json

from pipelines.snapshots.snapshot import Snapshot


def inputs_digest(snapshot: Snapshot) -> str:
    """SHA-256 (hex) over the digests of the input files, whatever day they were read on."""
    return hashlib.sha256(json.dumps(sorted(snapshot.inputs.items())).encode()).hexdigest()
