"""A folder that is replaced whole or not at all."""

import os
import shutil
from pathlib import Path


def refused_folder(into: Path) -> Path:
    """Where the quarantine of a refused snapshot is kept for a person to see."""
    return into.with_name(f"{into.name}.refused")


def fresh_staging(into: Path) -> Path:
    """Make an empty folder beside ``into``, and remove those that killed runs left."""
    for orphan in into.parent.glob(f".{into.name}.*.staging"):
        shutil.rmtree(orphan)
    staging = into.with_name(f".{into.name}.{os.getpid()}.staging")
    staging.mkdir(parents=True)
    return staging


def keep_quarantine(staging: Path, into: Path) -> None:
    """Move the quarantine of a refused snapshot to ``refused_folder``."""
    quarantine = staging / "quarantine"
    if quarantine.is_dir():
        shutil.rmtree(refused_folder(into), ignore_errors=True)
        quarantine.replace(refused_folder(into))


def swap(staging: Path, into: Path) -> None:
    """Put ``staging`` in the place of ``into``."""
    old = into.with_name(f".{into.name}.old.staging")
    if into.exists():
        into.replace(old)
    staging.replace(into)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(refused_folder(into), ignore_errors=True)
