"""``stille doctor``: runs the health checks one by one and picks the exit code."""

from collections.abc import Callable, Iterator
from pathlib import Path

from features.errors import (
    BusyError,
    ConfigError,
    ContractError,
    ModelError,
    PublicationError,
    StilleError,
)
from pipelines.config.settings import Settings, load_settings
from pipelines.doctor import checks, services
from pipelines.doctor.checks import Finding

# Which of several faults decides the exit code: what must be mended first comes first.
_WORST = (ConfigError, PublicationError, ContractError, ModelError, BusyError)
_LOOKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "learning": checks.learning,
    "privacy": checks.privacy,
    "clock": checks.clock,
    "disk": checks.disk,
    "sources": checks.sources,
    "databases": checks.databases,
    "lock": services.lock,
    "last night": services.last_night,
    "model": services.model,
    "Prefect": services.prefect,
}


def examine(config: Path) -> list[Finding]:
    """Look at configuration, privacy, clock, disk, sources, lock, last night, model and Prefect."""
    try:
        settings = load_settings(config)
    except StilleError as error:
        return [Finding("configuration", "bad", str(error), error.exit_code)]
    found = [Finding("configuration", "ok", f"{config}: {len(settings.sources)} tables")]
    for what, look in _LOOKS.items():
        try:
            found += look(settings)
        except StilleError as error:
            found.append(Finding(what, "bad", str(error), error.exit_code))
    return found


def worst(found: list[Finding]) -> int:
    """The exit code of the fault to mend first; 0 when there is none."""
    codes = {finding.exit_code for finding in found} - {0}
    ranked = [kind.exit_code for kind in _WORST]
    return min(codes, key=lambda code: ranked.index(code) if code in ranked else -1, default=0)
