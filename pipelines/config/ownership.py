"""Ownership of folders: ``paths.var`` and ``paths.out`` are one company's, and closed to others."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from features.errors import ConfigError
from pipelines.config.sections import Company, Paths, Tracking
from pipelines.runtime.atomic_files import SHARED, keep_first, storage_errors
from pipelines.runtime.mirrors import bucket_of, name_of

OWNER = ".company.json"
_NOBODY = 65534  # whoever has no number here: another machine's root, or the host's user


class ForeignError(ConfigError):
    """A folder of the configuration is another company's or user's: nothing is written there."""


def refuse_foreign(company: Company, paths: Paths, tracking: Tracking) -> None:
    """Raise ``ForeignError`` when another company, or another model's configuration, was first.

    Root is refused where a folder is another user's, who could not read what root makes there.
    """
    for folder in (paths.var, paths.out):
        with suppress(OSError):
            _refuse_root(folder)
            _compare(folder, (folder / OWNER).read_bytes(), company, tracking)


def claim(company: Company, paths: Paths, tracking: Tracking) -> None:
    """Make the folders of a company and mark them as its own; whoever is first has them.

    ``out`` is for ``paths.group`` too.
    Raises ``ForeignError`` for another company's, ``ConfigError`` for a group that cannot be given
    the folder, ``PublicationError`` when the disk refuses.
    """
    mine = _identity(company, tracking)
    for folder in (paths.var, paths.out):
        with storage_errors(f"write to {folder}"):
            absent = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            if folder == paths.out and paths.group and not bucket_of(folder):
                _share((folder, *absent), paths.group)
            owner = keep_first(folder / OWNER, mine)
        if bucket := bucket_of(folder):
            bucket.put(OWNER, mine, "create")
            owner = (bucket.get(OWNER) or (owner,))[0]
        _compare(folder, owner, company, tracking)


def _refuse_root(folder: Path) -> None:
    user = folder.stat().st_uid
    if os.geteuid() == 0 and user not in (0, _NOBODY):
        raise ForeignError(
            f"{folder} is the user {user}'s, who could not read what root makes there. Run the "
            "same command as that user (docs/operate.md)."
        )


def _identity(company: Company, tracking: Tracking) -> bytes:
    mine = {"company": company.name, "model": tracking.model}
    return json.dumps(mine, ensure_ascii=False).encode()


def _compare(folder: Path, owner: bytes, company: Company, tracking: Tracking) -> None:
    if owner != _identity(company, tracking):
        raise ForeignError(
            f"{name_of(folder)} belongs to {owner.decode(errors='replace')}, and this "
            f"configuration is of {_identity(company, tracking).decode()}. Give each its own "
            "paths.var and paths.out. If it is the same company under another name, remove "
            f"{name_of(folder / OWNER)}, then run the same command again."
        )


def _share(folders: tuple[Path, ...], group: str) -> None:
    for folder in folders:
        try:
            # A service may be forbidden what is not needed.
            if folder.group() != group:
                shutil.chown(folder, group=group)
            if folder.stat().st_mode & 0o7777 != SHARED:
                folder.chmod(SHARED)
        except (LookupError, PermissionError, KeyError) as error:
            raise ConfigError(
                f"paths.group: {folder} cannot be given to the group {group!r} ({error}). Name a "
                "group of this machine that this user is a member of."
            ) from None
