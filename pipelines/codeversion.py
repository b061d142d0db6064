"""Which code a run was made by."""

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution

_NAME = "stille"


def code_version() -> str:
    """The package's version, with the commit if it was installed from a repository.

    "unknown" when the package is not installed.
    """
    try:
        found = distribution(_NAME)
    except PackageNotFoundError:
        return "unknown"
    commit = _commit(found)
    return f"{found.version}+{commit}" if commit else found.version


def _commit(found: Distribution) -> str | None:
    text = found.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    return str(origin.get("vcs_info", {}).get("commit_id", "")) or None
