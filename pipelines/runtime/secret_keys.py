"""Secret keys of a company: from the environment, or generated once and stored."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from features.errors import ConfigError
from pipelines.runtime.atomic_files import keep_first, storage_errors

_SHORTEST = 16


@dataclass(frozen=True, slots=True)
class Secret:
    """What a key is for, and what another key would do."""

    name: str
    another: str

    @property
    def variable(self) -> str:
        return f"STILLE_{self.name.upper()}_KEY"


HOLDOUT = Secret("holdout", "another key would draw every arm anew")
PSEUDONYM = Secret("pseudonym", "another key would give every customer another pseudonym")


def key_of(secret: Secret, var: Path) -> bytes:
    """The key of ``STILLE_<NAME>_KEY``, else of the file that ``STILLE_<NAME>_KEY_FILE`` names.

    Without both it is kept in ``var/<name>.key``, which only its owner may read; the first run
    makes it. It is to be backed up, and is part of no configuration, digest, record or message.
    Raises ``ConfigError`` for a key that is too short or cannot be read, and ``PublicationError``
    when the first key cannot be kept.
    """
    given = os.environ.get(secret.variable)
    key, place = (given or "").encode(), f"the environment variable {secret.variable}"
    if given is None:
        named = os.environ.get(f"{secret.variable}_FILE")
        path = Path(named) if named else var / f"{secret.name}.key"
        if not named:
            with storage_errors(f"keep the key of the {secret.name} in {path}"):
                path.parent.mkdir(parents=True, exist_ok=True)
                keep_first(path, f"{secrets.token_hex(32)}\n".encode())
                path.chmod(0o600)
        try:
            key, place = path.read_bytes().strip(), str(path)
        except OSError as error:
            raise ConfigError(
                f"cannot read the key of the {secret.name}, {path}: {error.strerror}. Give this "
                f"user access to the file that was there before: {secret.another}."
            ) from error
    if len(key) < _SHORTEST:
        raise ConfigError(
            f"the key of the {secret.name} in {place} is shorter than {_SHORTEST} characters: make "
            'one with python -c "import secrets; print(secrets.token_hex(32))".'
        )
    return key


def key_fingerprint(key: bytes) -> str:
    """A name for a key that distinguishes two keys and gives nothing of them away (16 hex)."""
    return hmac.new(key, b"stille key", hashlib.sha256).hexdigest()[:16]
