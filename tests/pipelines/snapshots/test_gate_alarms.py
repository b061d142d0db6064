"""How often the default gates close on clean simulated companies whose seeds chose no band."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from history import truncate

from features.errors import GateError
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.gate_measures import own_measures
from pipelines.snapshots.snapshot import take_snapshot

SEEDS, CUSTOMERS, MONTHS = (6, 7), 3_000, 36
FIRST, END = date(2023, 1, 1), date(2025, 1, 1)


@pytest.fixture(scope="module", params=SEEDS)
def clean(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(f"seed{request.param}")
    simulate(folder, customers=CUSTOMERS, months=MONTHS, seed=request.param)
    return folder


def configured(root: Path, data: Path, folder: Path) -> Settings:
    document = yaml.safe_load((root / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {"data": str(data)} | {n: str(folder / n) for n in ("var", "out")}
    (folder / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_settings(folder / "config.yaml")


def every_day() -> Iterator[date]:
    return (FIRST + timedelta(days=n) for n in range((END - FIRST).days))


def closes(measure) -> bool:
    low, high = measure.low, measure.high
    return not ((low is None or measure.value >= low) and (high is None or measure.value <= high))


@pytest.mark.proof
def test_what_is_learned_from_days_closes_on_few_of_731_nights(root, clean, tmp_path):
    settings = configured(root, clean, tmp_path)
    tables = take_snapshot(settings, tmp_path / "snapshot", as_of=END).tables
    closed = {
        day: [
            m.name
            for m in own_measures(settings.quality, settings.company.timezone, day, tables)
            if closes(m)
        ]
        for day in every_day()
    }
    assert sum(map(bool, closed.values())) <= 0.02 * len(closed), closed


@pytest.mark.proof
def test_no_gate_closes_on_nights_that_follow_each_other(root, clean, tmp_path):
    firsts = [day for day in every_day() if day.day == 1]
    nights = [*firsts, *(date(2024, 3, day) for day in range(2, 9))]
    for night in sorted(nights):
        truncate(clean / "tables", tmp_path / str(night) / "tables", night)
        settings = configured(root, tmp_path / str(night), tmp_path)
        try:
            read_tables(Run(settings, night, RunRecord("check", "check", "")))
        except GateError as error:
            pytest.fail(f"{night}: {error}")
