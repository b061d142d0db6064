"""Day D computed from a later history is day D computed on D: every cell of the matrix."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml
from history import overwrite, tell_late, truncate

from pipelines.config.settings import load_settings
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.snapshot import take_snapshot

ROOT = Path(__file__).parents[3]
DAYS = (date(2023, 1, 2), date(2023, 3, 27), date(2023, 5, 1))
DELAYS = {
    name: 1 + number % 4
    for number, name in enumerate(
        (
            "benefits",
            "cases",
            "claims",
            "complaints",
            "contacts",
            "contracts",
            "incidents",
            "notifications",
            "offers",
            "orders",
            "price_changes",
            "price_list",
            "terminations",
        )
    )
}


def matrix(folder: Path, days: tuple[date, ...]) -> pd.DataFrame:
    document = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    document["sources"]["claims"] = {"path": "tables/claims.parquet"}
    for name, delay in DELAYS.items():
        document["sources"][name]["known_delay_days"] = delay
    document["sources"]["meter_readings"]["duplicates"] = "versions"
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    settings = load_settings(config)
    snapshot = take_snapshot(settings, folder / "snapshot")
    job = MatrixJob(catalog_of(settings.sources, snapshot), days)
    parts = build_matrix(settings, snapshot, job, folder / "matrix", lambda: None)
    return pd.concat((pd.read_parquet(part.features) for part in parts), ignore_index=True)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of 90 more days than the last, with late rows, versions and tables that lag."""
    whole = tmp_path_factory.mktemp("whole")
    sold = ("electricity", "broadband", "insurance")
    simulate(whole, customers=300, months=19, seed=4, products=sold)
    told = tmp_path_factory.mktemp("told")
    assert tell_late(whole / "tables", told / "data" / "tables", DAYS[-1]) > 1_000
    assert overwrite(told / "data" / "tables", "meter_readings", "status", "estimated") > 300
    return told


@pytest.mark.promise("backfill")
def test_every_cell_of_three_days_is_what_it_was_on_the_day(later: Path, tmp_path: Path) -> None:
    seen_later = matrix(later, DAYS)
    for day in DAYS:
        then = tmp_path / str(day)
        removed, hidden = truncate(later / "data" / "tables", then / "data" / "tables", day, DELAYS)
        assert removed > 1_000
        assert hidden > 0
        on_the_day = matrix(then, (day,))
        again = seen_later[seen_later["as_of"] == day].reset_index(drop=True)
        assert on_the_day.shape[0] > 150
        assert on_the_day.shape[1] > 250
        pd.testing.assert_frame_equal(on_the_day, again, check_exact=True)
