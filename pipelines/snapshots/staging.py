"""A folder that is replaced whole or not at all."""

import os
import shutil
from pathlib import Path


def refused_folder(into: Path) -> Path:
    """Where the quarantine of a refused snapshot is kept for a person to see."""
    return into.with_name(f"{into.name}.refused")


def fresh_staging(into: Path) -> Path:
    """Make an empty folder beside ``into``, and remove those that killed runs left."""
    for folder in into.parent.glob(f".{into.name}.*.staging"):
        if not _in_use(folder):
            shutil.rmtree(folder)
    staging = into.with_name(f".{into.name}.{os.getpid()}.staging")
    staging.mkdir(parents=True)
    return staging


def _in_use(folder: Path) -> bool:
    """Whether another process that still runs made the folder."""
    maker = folder.name.split(".")[-2]
    if not maker.isdigit() or int(maker) == os.getpid():
        return False
    try:
        os.kill(int(maker), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
