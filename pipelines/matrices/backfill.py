"""Whether kept matrices can still be believed: some dates come out today as they were kept."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

from pipelines.matrices.files import read_features
from pipelines.matrices.shard import Shard


def history_stands(
    shard: Shard,
    paths: Mapping[date, Path],
    missing: Mapping[date, Collection[str]],
    wanted: Collection[str],
) -> bool:
    """Whether the dates checked come out the same today; a rewritten history does not.

    ``paths`` are the files by as-of date, ``missing`` the ``wanted`` features that each lacks.
    """
    kept = [as_of for as_of, lacking in missing.items() if len(lacking) < len(wanted)]
    return all(
        _stands(shard, as_of, paths[as_of], [n for n in wanted if n not in missing[as_of]])
        for as_of in checked(kept, max(missing))
    )


def checked(kept: Collection[date], newest: date) -> tuple[date, ...]:
    """The newest of the ``kept`` dates, and an older one that another ``newest`` date changes.

    It is drawn by the hash of ``newest``: nights and months that follow each other come to
    every date, however far apart they are, and the same run checks the same date again.
    """
    if not kept:
        return ()
    *older, last = sorted(kept)
    drawn = int.from_bytes(hashlib.sha256(str(newest).encode()).digest()[:8])
    return (last, older[drawn % len(older)]) if older else (last,)


def _stands(shard: Shard, as_of: date, path: Path, names: list[str]) -> bool:
    shard.cohort(as_of)
    kept = read_features(path, names)
    return kept is not None and bool(shard.cut(as_of, names).equals(kept))
