"""Champion cache: the last fetched version, for nights on which the registry does not answer.

``var/champion`` holds ``champion.json`` (version, digest, tags, registry, and when the registry
last said that this is the champion) and one folder of model files, named by its digest.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from features.errors import ModelError
from models.churn.serialization import digest
from pipelines import tracking
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import replace_bytes
from pipelines.runtime.environment import now

MAX_AGE_DAYS = 7
_SKEW = timedelta(hours=-1)


@dataclass(frozen=True, slots=True)
class CachedChampion:
    """A version, its files, and when the registry last named it champion (UTC)."""

    registered: tracking.Registered
    files: Mapping[str, bytes]
    seen_at: datetime

    @property
    def usable(self) -> bool:
        """Whether the files are whole and the registry named it at most seven days ago."""
        young = _SKEW <= now() - self.seen_at <= timedelta(days=MAX_AGE_DAYS)
        return young and digest(self.files) == self.registered.digest


def store(settings: Settings, registered: tracking.Registered, files: Mapping[str, bytes]) -> None:
    """Keep the champion of now; older files are removed. Raises ``OSError``."""
    folder = _folder(settings)
    into = folder / registered.digest
    if not into.is_dir():
        making = folder / ".making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for name, content in files.items():
            replace_bytes(making / name, content)
        making.rename(into)
    described = {
        "registry": tracking.tracking_uri(settings),
        "seen_at": now().isoformat(timespec="seconds"),
        "registered": {**asdict(registered), "tags": dict(registered.tags)},
    }
    replace_bytes(folder / "champion.json", json.dumps(described, indent=1).encode())
    for old in folder.iterdir():
        if old.is_dir() and old != into:
            shutil.rmtree(old, ignore_errors=True)


def read(settings: Settings) -> CachedChampion | None:
    """What is kept of this configuration's registry and model; None if nothing, or damaged."""
    folder = _folder(settings)
    try:
        described = json.loads((folder / "champion.json").read_bytes())
        registered = tracking.Registered(**described["registered"])
        same = described["registry"] == tracking.tracking_uri(settings)
        if not (same and registered.name == settings.tracking.model and _plain(registered.digest)):
            return None
        files = tracking.read_folder(folder / registered.digest)
        return CachedChampion(registered, files, datetime.fromisoformat(described["seen_at"]))
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return None


def _plain(text: str) -> bool:
    return text.isalnum() and text.isascii()


def _folder(settings: Settings) -> Path:
    return settings.paths.champion
