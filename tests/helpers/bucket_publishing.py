"""Publications into a bucket by processes that die or race; ``publishing.py`` does it on a disk.

``python bucket_publishing.py sweep URL FOLDER`` and ``… race URL FOLDER`` print JSON. Each child is
a machine of its own where it has a folder of its own; the parent, which forks, opens no bucket.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from publishing import _UNHARMED, NEW, OLD, _forked, kill, night, struck_night

from pipelines.publication import bucket
from pipelines.publication.reader import Publication, current, verify
from pipelines.runtime.mirrors import bucket_of, mirror_folder


def _answer_of_child(work: Callable[[], object]) -> object:
    """What a forked process finds."""
    read, write = os.pipe()
    code = _forked(lambda: os.write(write, json.dumps(work()).encode()) and None)
    os.close(write)
    with os.fdopen(read) as answer:
        return json.loads(answer.read()) if code == 0 else code


def _seen(url: str, machine: Path) -> dict[str, object]:
    """What another machine reads, all of it verified, and which uploads have no manifest."""
    out = mirror_folder(url, machine)
    objects = bucket_of(out).objects()
    uploads = {tuple(key.split("/")[:2]) for key in objects if "/" in key}
    whole = {each for each in uploads if "/".join((*each, bucket.MANIFEST)) in objects}
    bucket.pull_manifests(out)
    for day, run in whole:
        verify(out / day / run, needed="")
    return {
        "read": (current(out) or Publication(out, OLD, "nothing")).run_id.partition("-")[0],
        "whole": sorted(run for _, run in whole),
        "half": sorted(run for _, run in uploads - whole),
    }


def _cleared(url: str, machine: Path) -> list[str]:
    """The uploads that may go on, and none of them once an hour is over."""
    alive = bucket.clear_unfinished(mirror_folder(url, machine))
    bucket._UPLOAD = timedelta(0)
    return alive + bucket.clear_unfinished(mirror_folder(url, machine))


def sweep(url: str, root: Path) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    while True:
        number = len(results) + 1
        where, out = f"{url}/{number}", mirror_folder(f"{url}/{number}", root / "here")
        _forked(lambda out=out: night(out, OLD, "old"))
        code = struck_night(number, out, kill, cleaning=True)
        if code == _UNHARMED:
            return results
        found = {
            "code": code,
            "seen": _answer_of_child(lambda where=where: _seen(where, root / "there")),
        }
        found["rerun"] = _forked(lambda out=out: night(out, NEW, "again"))
        found["cleared"] = _answer_of_child(lambda where=where: _cleared(where, root / "there"))
        found["then"] = _answer_of_child(lambda where=where: _seen(where, root / "there"))
        results.append(found)


def race(url: str, root: Path, processes: int = 8) -> dict[str, object]:
    """Every process publishes another day, the first one the newest."""
    wait, start = os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.close(start)
            os.read(wait, 1)
            out, day = mirror_folder(url, root / str(number)), NEW - timedelta(days=number // 2)
            os._exit(_forked(lambda n=number, out=out, day=day: night(out, day, f"run{n}")))
        children.append(child)
    os.close(start)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return {"codes": codes, "seen": _answer_of_child(lambda: _seen(url, root / "there"))}


if __name__ == "__main__":
    how, address, folder = sys.argv[1:]
    print(json.dumps({"sweep": sweep, "race": race}[how](address, Path(folder))))
