"""The cost of one night's features against the floor: decode the needed columns, encode the matrix.

Both sides run in a fresh process each and report CPU-seconds and peak memory; their order
alternates, so that a slow spell of the machine hits both. The ratio is what counts.
"""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import Catalog
from features.tables import TABLES
from pipelines.demo.simulate import simulate
from pipelines.engine import MatrixJob, build_matrix, catalog_of
from pipelines.settings import Settings, load_settings
from pipelines.snapshot import Snapshot, take_snapshot

FOLDER = Path("var/bench")
CUSTOMERS, MONTHS, ROUNDS = 100_000, 36, 3
AS_OF = date(2024, 12, 1)


def prepare(customers: int) -> Path:
    """Simulate a company and take its snapshot, once per size."""
    folder = FOLDER / str(customers)
    if not (folder / "snapshot").exists():
        simulate(folder, customers=customers, months=MONTHS, seed=1)
        take_snapshot(_settings(folder), folder / "snapshot")
    return folder


def needed_columns(catalog: Catalog, table: str) -> list[str]:
    """The contract columns of a table that some stream's text names."""
    texts = " ".join(s.sql for s in catalog.streams if table in (*s.reads, *s.optional))
    columns = [column.name for column in TABLES[table].columns]
    named = [name for name in columns if name in texts]
    return [*named, "event_at", "known_at"]


def floor(settings: Settings, snapshot: Snapshot, catalog: Catalog, folder: Path) -> None:
    """Decode every needed column once and encode the finished matrix once."""
    read = {t for s in catalog.streams for t in (*s.reads, *s.optional) if t in snapshot.tables}
    for table in sorted(read):
        for path in {snapshot.path(table, shard) for shard in range(snapshot.shards)}:
            pq.ParquetFile(path).read(columns=needed_columns(catalog, table))
    for path in sorted((folder / "matrix").rglob("*.parquet")):
        started = time.process_time()
        rows = pq.ParquetFile(path).read()
        _subtract(time.process_time() - started)
        pq.write_table(rows, folder / "floor.parquet", compression="zstd", write_page_checksum=True)


def build(settings: Settings, snapshot: Snapshot, catalog: Catalog, folder: Path) -> None:
    """Build the features of one as-of date."""
    job = MatrixJob(catalog, (AS_OF,))
    build_matrix(settings, snapshot, job, folder / "matrix", lambda: None)


_NOT_COUNTED = [0.0]


def _subtract(seconds: float) -> None:
    _NOT_COUNTED[0] += seconds


def _settings(folder: Path) -> Settings:
    os.environ["STILLE_DEMO_DATA"] = str(folder)
    return load_settings(Path("configs/demo.yaml"))


def _child(what: str, customers: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.features", what, str(customers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _measure(what: str, customers: int) -> None:
    pa.set_cpu_count(2)
    folder = prepare(customers)
    settings = _settings(folder)
    snapshot = take_snapshot(settings, folder / "snapshot")
    catalog = catalog_of(settings, snapshot)
    started, wall = time.process_time(), time.perf_counter()
    {"floor": floor, "build": build}[what](settings, snapshot, catalog, folder)
    used = {
        "cpu": time.process_time() - started - _NOT_COUNTED[0],
        "wall": time.perf_counter() - wall,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "features": len(catalog.model_features),
    }
    print(json.dumps(used))


def main() -> None:
    """Print the ratio at 100,000 customers, and the memory at a third of that."""
    for customers in (CUSTOMERS // 3, CUSTOMERS):
        prepare(customers)
        _child("build", customers)
        rounds = [(_child("build", customers), _child("floor", customers)) for _ in range(ROUNDS)]
        ratio = median(built["cpu"] / lowest["cpu"] for built, lowest in rounds)
        cpu = median(built["cpu"] for built, _ in rounds)
        print(
            f"{customers:,} customers, {rounds[0][0]['features']:.0f} features, one as-of date: "
            f"{cpu:.1f} CPU-s, {ratio:.1f} x the floor, "
            f"peak memory {max(built['rss_mb'] for built, _ in rounds):.0f} MB"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
