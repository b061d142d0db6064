"""What a company's folder holds for readers and later runs, so that two can be compared."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.publication.reader import verify

_TEXTS = (".csv", ".html")
_RUN = re.compile(r"\b[a-z]+-\d{8}T\d{6}Z-[0-9a-f]{6}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T| |&nbsp;)\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?")


def published(folder: Path) -> dict[str, str]:
    """What readers find, without names and times of runs; raises where it is not whole."""
    out = folder / "out"
    verify(out / "current")
    pointer = json.loads((out / "current.json").read_bytes())
    night = (out / "current").resolve()
    found = {path.name: _masked(path) for path in night.iterdir() if path.suffix in _TEXTS}
    return found | {"pointer": _RUN.sub("", pointer["path"])}


def content(folder: Path) -> dict[str, str]:
    """What readers and later runs find, of the same kind; raises where it is torn."""
    out, var = folder / "out", folder / "var"
    files = [out / "check.html", out / "leaks.json"]
    files += [
        path for name in ("effect", "monitoring", "overrides") for path in (var / name).glob("*")
    ]
    found = published(folder) | {path.name: _masked(path) for path in files if path.exists()}
    kept = [*(var / "typed").glob("*"), *(var / "snapshots").glob("*/tables.json")]
    kept += [*(var / "matrices").rglob("*.parquet"), *(var / "matrix").glob("*")]
    kept += [*out.glob(".staging*"), *folder.rglob("*.tmp*"), *(var / "snapshots").glob(".*")]
    kept = [path for path in kept if path.parent.name != "runs"]
    found["kept"] = "\n".join(sorted(path.relative_to(folder).as_posix() for path in kept))
    reported = var / "outcomes" / "treatments.parquet"
    if reported.exists():
        rows = pq.read_table(reported).to_pylist()
        found["outcomes"] = repr([row | {"known_at": None} for row in rows])
    with closing(sqlite3.connect(var / "mlflow.db")) as registry:
        (digest,) = registry.execute(
            "select value from model_version_tags join registered_model_aliases "
            "using (name, version) where alias = 'champion' and key = 'digest'"
        ).fetchall()
    found["champion"] = digest[0]
    for path in (*var.glob("*/*.json"), *var.glob("*.json")):
        json.loads(path.read_bytes())
    return found


def _masked(path: Path) -> str:
    return _TIME.sub("", _RUN.sub("", path.read_text("utf-8")))
