"""The cost of building features against the floor: decode the needed columns, encode the matrix.

One night (one as-of date) and one training (24 of them). Both sides run in a fresh process each,
one after the other in every round, so that a slow spell of the machine hits both; the ratio is
what counts. The company is simulated, and its snapshot taken, in a process of its own too, whose
CPU and memory are nobody's. CPU and wall time are those of the work, without imports; memory is
the most that the process ever held, imports and all. Nothing kept by an earlier build is used.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.companies import FOLDER, demo_settings, simulated
from features.catalog import Catalog
from features.contract import TABLES
from features.timeline import month_starts
from pipelines.config.settings import Settings
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.snapshots.facts import read_snapshot
from pipelines.snapshots.snapshot import Snapshot, take_snapshot
from pipelines.snapshots.store import newest_first

CUSTOMERS, MONTHS, ROUNDS = 100_000, 36, 3
AS_OFS = month_starts(date(2023, 1, 1), date(2024, 12, 1))
NIGHT, TRAINING = 1, len(AS_OFS)
_NOT_COUNTED = [0.0]


def needed_columns(catalog: Catalog, table: str) -> list[str]:
    """The contract columns of a table that some stream's text names."""
    texts = " ".join(s.sql for s in catalog.streams if table in (*s.reads, *s.optional))
    columns = [column.name for column in TABLES[table].columns]
    named = [name for name in columns if name in texts]
    return [*named, "event_at", "known_at"]


def floor(
    settings: Settings, snapshot: Snapshot, catalog: Catalog, folder: Path, _dates: int
) -> None:
    """Decode every needed column once and encode the finished matrix once."""
    read = {t for s in catalog.streams for t in (*s.reads, *s.optional) if t in snapshot.tables}
    for table in sorted(read):
        for path in {snapshot.path(table, shard) for shard in range(snapshot.shards)}:
            pq.ParquetFile(path).read(columns=needed_columns(catalog, table))
    for path in sorted((folder / "matrix").rglob("*.parquet")):
        started = time.process_time()
        rows = pq.ParquetFile(path).read()
        _NOT_COUNTED[0] += time.process_time() - started
        pq.write_table(rows, folder / "floor.parquet", compression="zstd", write_page_checksum=True)


def build(
    settings: Settings, snapshot: Snapshot, catalog: Catalog, folder: Path, dates: int
) -> None:
    """Build the features of the last ``dates`` as-of dates."""
    shutil.rmtree(folder / "matrix", ignore_errors=True)
    job = MatrixJob(catalog, AS_OFS[-dates:])
    build_matrix(settings, snapshot, job, folder / "matrix", lambda: None)


def _settings(customers: int) -> Settings:
    """Those of a company simulated once per size, with nothing kept by an earlier build."""
    folder = FOLDER / str(customers)
    shutil.rmtree(folder / "var" / "matrices", ignore_errors=True)
    return simulated(demo_settings(folder), customers=customers, months=MONTHS, seed=1)


def _child(what: str, customers: int, dates: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.features", what, str(customers), str(dates)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  (this module, fixed words)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def peak_mb() -> float:
    """Peak resident memory of this process since it was started.

    ``ru_maxrss`` alone would be wrong: a process inherits it from the one that started it.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def _measure(what: str, customers: int, dates: int) -> None:
    folder = FOLDER / str(customers)
    if what == "prepare":
        take_snapshot(_settings(customers), folder / "snapshot")
        print("{}")
        return
    _child("prepare", customers, dates)
    settings = _settings(customers)
    pa.set_cpu_count(2)
    snapshot = read_snapshot(newest_first(folder / "snapshot")[0])
    catalog = catalog_of(settings.sources, snapshot)
    started, wall = time.process_time(), time.perf_counter()
    {"floor": floor, "build": build}[what](settings, snapshot, catalog, folder, dates)
    used = {
        "cpu": time.process_time() - started - _NOT_COUNTED[0],
        "wall": time.perf_counter() - wall,
        "peak_mb": peak_mb(),
        "features": len(catalog.model_features),
    }
    print(json.dumps(used))


def main() -> None:
    """Print ratios and memory: a night at two sizes, and a training."""
    for customers, dates, rounds in (
        (CUSTOMERS // 3, NIGHT, ROUNDS),
        (CUSTOMERS, NIGHT, ROUNDS),
        (CUSTOMERS, TRAINING, 1),
    ):
        pairs = [
            (_child("build", customers, dates), _child("floor", customers, dates))
            for _ in range(rounds)
        ]
        ratio = median(built["cpu"] / lowest["cpu"] for built, lowest in pairs)
        cpu, wall = (median(built[name] for built, _ in pairs) for name in ("cpu", "wall"))
        lowest_cpu = median(lowest["cpu"] for _, lowest in pairs)
        peak = max(built["peak_mb"] for built, _ in pairs)
        print(
            f"{customers:,} customers, {pairs[0][0]['features']:.0f} features, "
            f"{dates} as-of date(s): build {cpu:.1f} CPU-s ({wall:.1f} s of wall time), "
            f"{ratio:.1f} x the floor of {lowest_cpu:.1f} CPU-s; "
            f"peak memory of the build's process {peak:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
