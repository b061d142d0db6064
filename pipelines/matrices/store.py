"""Matrices stored by as-of date, so that a past date is computed again only for new features.

A stored column stays right as long as the definition, the mapping of the tables and the cohort are
the same; the caller checks the newest date, and an older one in turn, against a fresh computation.
Files are shared by hard links with the runs that wrote or read them, so a run keeps what it was
lent when the store replaces or removes it.
"""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.catalog import Catalog, definition
from features.timeline import month_starts
from pipelines.config.settings import Settings
from pipelines.matrices.shard import label_as_ofs
from pipelines.snapshots.snapshot import Snapshot

_PREFIX = "as_of="
_NEWEST = 7
_FORGOTTEN_SECONDS = 90 * 86_400


@dataclass(frozen=True, slots=True)
class MatrixStore:
    """The stored matrices of one mapping and number of shards."""

    root: Path

    def lend(self, as_of: date, shard: int, path: Path) -> None:
        """Put the stored file, if there is one, at ``path``, where no file may be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            _share(self.path(as_of, shard), path)

    def keep(self, as_of: date, shard: int, path: Path) -> None:
        """Keep the file at ``path``, which nobody may change any more.

        Does nothing when another run removes the date in this moment.
        """
        kept = self.path(as_of, shard)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            # In the run's own folder, where nothing of a killed one stays, or on the store's disk.
            near = path.stat().st_dev == kept.parent.stat().st_dev
            temporary = (path if near else kept).with_suffix(f".{secrets.token_hex(4)}.tmp")
            _share(path, temporary)
            temporary.replace(kept)
            # Renaming one link of a file onto another of it does nothing and leaves both.
            temporary.unlink(missing_ok=True)

    def dates(self) -> tuple[date, ...]:
        """The as-of dates that are kept, sorted."""
        names = (folder.name.removeprefix(_PREFIX) for folder in self.root.glob(f"{_PREFIX}*"))
        return tuple(sorted(date.fromisoformat(name) for name in names))

    def prune(self, needed: Collection[date]) -> None:
        """Remove the dates that are neither ``needed`` nor among the newest 7.

        Removes other stores beside this one too, when no run has used them for 90 days.
        """
        for as_of in self.dates()[:-_NEWEST]:
            if as_of not in needed:
                shutil.rmtree(self.root / f"{_PREFIX}{as_of}", ignore_errors=True)
        os.utime(self.root)
        oldest = time.time() - _FORGOTTEN_SECONDS
        for store in self.root.parent.iterdir():
            with suppress(FileNotFoundError):
                if store.stat().st_mtime < oldest:
                    shutil.rmtree(store, ignore_errors=True)

    def path(self, as_of: date, shard: int) -> Path:
        """Where the file of a shard is, as in the folders of a run."""
        return self.root / f"{_PREFIX}{as_of}" / f"shard={shard:04d}.parquet"


def open_store(settings: Settings, shards: int, share: float = 1.0) -> MatrixStore:
    """The store of this mapping: other columns, delays, zones or dialects make another store.

    So does another ``share`` of the customers.
    """
    deciding = settings.model_dump(mode="json", include={"company", "dialect", "sources"})
    text = json.dumps([deciding, shards, share], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return MatrixStore(settings.paths.matrices / name)


def prune(settings: Settings, snapshot: Snapshot) -> None:
    """Remove the stored matrices that no training uses, but the newest nights'.

    A run that reads them at this time has its own hold on them or computes them again.
    """
    store, training = open_store(settings, snapshot.shards), settings.training
    kept = store.dates()
    if kept:
        last = training.last_as_of or kept[-1]
        store.prune(label_as_ofs(settings, snapshot) or month_starts(training.first_as_of, last))


def definition_digests(catalog: Catalog) -> dict[str, str]:
    """Feature → SHA-256 (hex) of the text that decides its values."""
    return {
        feature.name: hashlib.sha256(definition(feature, catalog).encode()).hexdigest()
        for feature in catalog.features
    }


def _share(source: Path, target: Path) -> None:
    """Give a file a second name; a copy where the disk knows no hard links."""
    try:
        os.link(source, target)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        shutil.copyfile(source, target)
