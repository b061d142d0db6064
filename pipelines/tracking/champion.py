"""Champion resolution: the registry's alias, read once a run, or the cached champion.

The cache, ``var/champion``, is for nights on which the registry does not answer. It holds
``champion.json`` (version, digest, tags, registry, and when the registry last said that this is
the champion) and one folder of model files, named by its digest.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from features.errors import ModelError
from models.churn.model import ChurnModel
from models.churn.serialization import digest, model_from_files
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.atomic_files import replace_bytes
from pipelines.runtime.environment import now
from pipelines.runtime.logs import LOG
from pipelines.tracking import registry
from pipelines.tracking.booster_sandbox import check_boosters
from pipelines.tracking.files import fetch, read_folder
from pipelines.tracking.registry import Registered, UnreachableError, champion_version

_MAX_AGE_DAYS = 7
_SKEW = timedelta(hours=-1)


@dataclass(frozen=True, slots=True)
class Champion:
    """The model of the night: one version, resolved once, and its parsed boosters."""

    registered: Registered
    model: ChurnModel


@dataclass(frozen=True, slots=True)
class CachedChampion:
    """A version, its files, and when the registry last named it champion (UTC)."""

    registered: Registered
    files: Mapping[str, bytes]
    seen_at: datetime

    @property
    def usable(self) -> bool:
        """Whether the files are whole and the registry named it at most seven days ago."""
        young = _SKEW <= now() - self.seen_at <= timedelta(days=_MAX_AGE_DAYS)
        return young and digest(self.files) == self.registered.digest


def resolve_champion(run: Run) -> Champion:
    """The version behind the alias, checked by digest before it is parsed.

    A registry that does not answer within 25 seconds leaves the champion that it named last, if
    that was at most seven days ago; the record says ``degraded`` then. Raises ``ModelError``.
    """
    settings, record = run.settings, run.record
    with record.stage("champion"):
        try:
            registered, files = registry.with_timeout(settings, lambda: _from_registry(settings))
        except UnreachableError as error:
            registered, files = _from_cache(run, error)
        model = model_from_files(files, registered.digest, check_boosters)
        if not record.degraded:
            try:
                _write_cache(settings, registered, files)
            except OSError as error:
                record.notes.append(f"the champion could not be kept: {error.strerror}")
    record.model_version, record.model_digest = registered.label, registered.digest
    record.feature_spec_hash = model.spec.hash
    return Champion(registered, model)


def _from_registry(settings: Settings) -> tuple[Registered, Mapping[str, bytes]]:
    if not settings.may_hold_models():
        raise UnreachableError(f"the MLflow store {registry.store_name(settings)} has gone.")
    registered = champion_version(settings)
    if registered is None:
        raise ModelError(
            f"no model {settings.tracking.model!r} carries the alias champion in "
            f"{registry.store_name(settings)}. Train one: stille train."
        )
    kept = read_cache(settings)
    if kept is not None and registered.digest == kept.registered.digest == digest(kept.files):
        return registered, kept.files
    return registered, fetch(settings, registered)


def _from_cache(run: Run, error: UnreachableError) -> tuple[Registered, Mapping[str, bytes]]:
    kept = read_cache(run.settings)
    if kept is None or not kept.usable:
        had = "no champion is kept here" if kept is None else f"the one kept is of {kept.seen_at}"
        raise ModelError(
            f"{error} Nothing was scored: {had}, and at most {_MAX_AGE_DAYS} days are allowed. "
            "Mend the store, or train again: stille train. Then: stille nightly."
        ) from error
    run.record.degraded = True
    said = (
        f"degraded: the registry did not answer; scored with {kept.registered.label}, which it "
        f"named champion at {kept.seen_at.isoformat()}"
    )
    run.record.notes.append(said)
    LOG.warning("%s (%s)", said, error)
    return kept.registered, kept.files


def _write_cache(settings: Settings, registered: Registered, files: Mapping[str, bytes]) -> None:
    """Keep the champion of now; older files are removed."""
    folder = settings.paths.champion
    into = folder / registered.digest
    into.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        replace_bytes(into / name, content)
    described = {
        "registry": registry.store_name(settings),
        "seen_at": now().isoformat(timespec="seconds"),
        "registered": {**asdict(registered), "tags": dict(registered.tags)},
    }
    replace_bytes(folder / "champion.json", json.dumps(described, indent=1).encode())
    for old in folder.iterdir():
        if old.is_dir() and old != into:
            shutil.rmtree(old, ignore_errors=True)


def read_cache(settings: Settings) -> CachedChampion | None:
    """What is kept of this configuration's registry and model; None if nothing, or damaged."""
    folder = settings.paths.champion
    try:
        described = json.loads((folder / "champion.json").read_bytes())
        registered = Registered(**described["registered"])
        same = described["registry"] == registry.store_name(settings)
        plain = registered.digest.isalnum() and registered.digest.isascii()
        if not (same and registered.name == settings.tracking.model and plain):
            return None
        files = read_folder(folder / registered.digest)
        return CachedChampion(registered, files, datetime.fromisoformat(described["seen_at"]))
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return None
