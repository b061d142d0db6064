"""Which kept matrices are worth their disk space: those that a training or a night may read."""

from features.timeline import month_starts
from pipelines.matrices.given import given_as_ofs
from pipelines.matrices.store import open_store
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot


def prune(settings: Settings, snapshot: Snapshot) -> None:
    """Remove the kept matrices that no training uses, but the newest nights'.

    A run that reads them at this time has its own hold on them or computes them again.
    """
    store, training = open_store(settings, snapshot.shards), settings.training
    kept = store.dates()
    if kept:
        needed = given_as_ofs(settings, snapshot) or month_starts(
            training.first_as_of, training.last_as_of or kept[-1]
        )
        store.prune(needed)
