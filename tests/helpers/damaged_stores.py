"""What is kept and published, each with single bits flipped, and the night that follows.

``python damaged_stores.py MADE ROOT FLIPS SEED [STORE ...]`` prints a line of JSON of each store:
how the nights ended. ``MADE`` is the company of ``commands.py``; a night of the same day has gone
before, so that there is something of each to use.
"""

import json
import random
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from commands import Company
from company_content import published

# Files of each store, and what is removed so that the next night has to look at them.
STORES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kept matrices": ("var/matrices/*/as_of=2023-09-01/*", ()),
    "snapshots": ("var/snapshots/*/**/*", ()),
    "typed rows": ("var/typed/*/**/*", ("var/snapshots",)),
    "digests of inputs": ("var/digests.json", ()),
    "kept champion": ("var/champion/**/*", ()),
    "registered model": ("var/mlartifacts/models/*/artifacts/*", ("var/champion",)),
    "measured effect": ("var/effect/*.json", ()),
    "reported outcomes": ("var/outcomes/*.parquet", ()),
    "run records": ("var/runs/*.json", ()),
    "earlier lists": ("out/2023-06-01/**/*", ()),
    "pointer": ("out/current.json", ()),
}


def flip(paths: list[Path], dice: random.Random) -> str:
    """Flip one bit of one of the files; the larger is hit more often, as on a disk."""
    (path,) = dice.choices(paths, [path.stat().st_size for path in paths])
    data = bytearray(path.read_bytes())
    at = dice.randrange(len(data))
    data[at] ^= 1 << dice.randrange(8)
    path.write_bytes(data)
    return f"{path.name}, byte {at}"


def prepared(made: Path, root: Path) -> Company:
    """A company whose night of today is to be made again, with everything kept that it needs."""
    company = Company(made, root)
    for command in ("outcomes", "effect", "nightly"):
        assert company.count(command)[0] == 0, company.log.read_text()
    out = company.folder / "out"
    shutil.rmtree(out)
    shutil.copytree(company.spare / "out", out, symlinks=True)
    shutil.rmtree(company.spare)
    shutil.copytree(company.folder, company.spare, symlinks=True)
    return company


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def night(company: Company) -> tuple[int, dict[str, str]]:
    code = company.run("nightly")
    return code, published(company.folder) if code == 0 else {}


def damage(company: Company, store: str, flips: int, dice: random.Random) -> dict[str, object]:
    pattern, removed = STORES[store]

    def fresh() -> list[Path]:
        company.restore()
        for name in removed:
            shutil.rmtree(company.folder / name)
        found = [path for path in company.folder.glob(pattern) if path.is_file()]
        return sorted(path for path in found if path.stat().st_size)

    # What a night publishes with the store whole, without it, and where nothing in it can be read.
    rights = {"as without damage": fresh() and night(company)[1]}
    for name, change in (("as without the file", Path.unlink), ("as unreadable", _emptied)):
        for path in fresh():
            change(path)
        rights[name] = night(company)[1]
    ended = dict.fromkeys((*rights, "refused"), 0)
    wrong = []
    for _ in range(flips):
        where = flip(fresh(), dice)
        code, found = night(company)
        if code not in (0, 1):
            ended["refused"] += 1
        elif code == 0 and (kinds := [name for name, right in rights.items() if right == found]):
            ended[kinds[0]] += 1
        else:
            whole = rights["as without damage"]
            wrong.append([where, code, [name for name in whole if whole[name] != found.get(name)]])
    return {"store": store, "ended": ended, "wrong": wrong}


if __name__ == "__main__":
    made, root, flips, seed, *stores = sys.argv[1:]
    company, dice = prepared(Path(made), Path(root)), random.Random(seed)  # noqa: S311
    for store in stores or STORES:
        print(json.dumps(damage(company, store, int(flips), dice)), flush=True)
