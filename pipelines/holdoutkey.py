"""The secret that draws the holdout: given by the environment, or made once and kept."""

import os
import secrets
from pathlib import Path

from features.errors import ConfigError
from pipelines.storage import storage_errors, sync

KEY_VARIABLE = "STILLE_HOLDOUT_KEY"
FILE_VARIABLE = "STILLE_HOLDOUT_KEY_FILE"
_NAME = "holdout.key"
_SHORTEST = 16


def holdout_key(var: Path) -> bytes:
    """The key of ``STILLE_HOLDOUT_KEY``, else of the file that ``STILLE_HOLDOUT_KEY_FILE`` names.

    Without both it is kept in ``var/holdout.key``, which only its owner may read; the first run
    makes it. A lost or changed key draws the arms anew, so it is to be backed up. It is part of
    no configuration, digest, record or message.

    Raises ``ConfigError`` for a key that is too short or a file that cannot be read, and
    ``PublicationError`` when the first key cannot be kept.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given is not None:
        return _long_enough(given.encode(), f"the environment variable {KEY_VARIABLE}")
    named = os.environ.get(FILE_VARIABLE)
    path = Path(named) if named else var / _NAME
    if not named and not path.exists():
        _make(path)
    try:
        return _long_enough(path.read_bytes().strip(), str(path))
    except OSError as error:
        raise ConfigError(
            f"cannot read the key of the holdout, {path}: {error.strerror}. Give this user access "
            "to the file that was there before: another key would draw every arm anew."
        ) from error


def _make(path: Path) -> None:
    with storage_errors(f"keep the key of the holdout in {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".tmp-{path.name}")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)


def _long_enough(key: bytes, place: str) -> bytes:
    if len(key) < _SHORTEST:
        raise ConfigError(
            f"the key of the holdout in {place} is shorter than {_SHORTEST} characters: make one "
            'with python -c "import secrets; print(secrets.token_hex(32))".'
        )
    return key
