"""Files of a source in a bucket: copied as far as they have changed, then read as any file."""

import re
from fnmatch import fnmatchcase
from functools import partial
from itertools import takewhile
from pathlib import Path, PurePosixPath

from pipelines.config.sections import Paths
from pipelines.runtime.mirrors import bucket_of, is_url, mirror_folder

_BESIDE = re.compile(r"(\.wal|-wal|\.sha256)$")


def local_files(paths: Paths, pattern: str) -> tuple[Path, str]:
    """The folder of a source's files and the pattern below it; a mirror is brought up to date.

    Raises ``PublicationError`` when storage refuses.
    """
    root = paths.data
    if is_url(pattern):
        *address, pattern = (*pattern.split("/", 3), "")[:4]
        root = mirror_folder("/".join(address), paths.mirrors)
    if bucket := bucket_of(root):
        parts = PurePosixPath(pattern).parts
        fixed = takewhile(lambda part: not set("*?[") & set(part), parts[:-1])
        pull, before = partial(bucket.pull, "/".join(fixed), partial(_matches, parts)), None
        # Until nothing changes, as an export may be being written at this moment.
        while before != (before := pull()):
            pass
    return root, pattern


def _matches(globs: tuple[str, ...], key: str) -> bool:
    """Whether the object, or a folder that it is in, is meant; or a log or a digest beside it."""
    names = _BESIDE.sub("", key).split("/")
    return "**" in globs or (len(names) >= len(globs) and all(map(fnmatchcase, names, globs)))
