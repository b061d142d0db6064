"""Secret keys of a company: from the environment, or generated once and stored."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from features.errors import ConfigError
from pipelines.runtime.atomic_files import keep_first, storage_errors

_SHORTEST = 16


HOLDOUT, PSEUDONYM = "holdout", "pseudonym"
_ANOTHER = {
    HOLDOUT: "another key would draw every arm anew",
    PSEUDONYM: "another key would give every customer another pseudonym",
}  # what would happen, by the name of the key


def key_of(name: str, var: Path) -> bytes:
    """The key of ``STILLE_<NAME>_KEY``, else of the file that ``STILLE_<NAME>_KEY_FILE`` names.

    Without both it is kept in ``var/<name>.key``, which only its owner may read; the first run
    makes it. It is to be backed up, and is part of no configuration, digest, record or message.
    Raises ``ConfigError`` for a key that is too short or cannot be read, and ``PublicationError``
    when the first key cannot be kept.
    """
    variable = f"STILLE_{name.upper()}_KEY"
    given, place = os.environ.get(variable), f"the environment variable {variable}"
    key = (given or "").encode()
    if given is None:
        named = os.environ.get(f"{variable}_FILE")
        path = Path(named or var / f"{name}.key")
        if not named:
            with storage_errors(f"keep the key of the {name} in {path}"):
                path.parent.mkdir(parents=True, exist_ok=True)
                keep_first(path, f"{secrets.token_hex(32)}\n".encode())
                path.chmod(0o600)
        try:
            key, place = path.read_bytes().strip(), str(path)
        except OSError as error:
            raise ConfigError(
                f"cannot read the key of the {name}, {path}: {error.strerror}. Give this "
                f"user access to the file that was there before: {_ANOTHER[name]}."
            ) from error
    if len(key) < _SHORTEST:
        raise ConfigError(
            f"the key of the {name} in {place} is shorter than {_SHORTEST} characters: make "
            'one with python -c "import secrets; print(secrets.token_hex(32))".'
        )
    return key


def key_fingerprint(key: bytes) -> str:
    """A name for a key that distinguishes two keys and gives nothing of them away (16 hex)."""
    return hmac.new(key, b"stille key", hashlib.sha256).hexdigest()[:16]
