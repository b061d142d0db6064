"""``causes.csv``: what removing each cause would be worth."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalog import build_catalog
from features.contract import TABLES
from models.explain.driver_removal import Removal
from pipelines.config.text_files import ACTIONS, load_titles, text_file
from pipelines.lists.actions import load_actions
from pipelines.lists.causes import CAUSE_FIELDS, cause_rows, measured_drivers
from pipelines.publication.manifest import Stamp
from pipelines.scoring.scores import no_event

_CREATED = datetime(2024, 5, 1, tzinfo=UTC)
_STAMP = Stamp(date(2024, 5, 1), "n-1", _CREATED, "i", "c", "m/1", "d", 90, {})


def test_nothing_happened_is_the_fill_or_the_usual_ratio_or_unknown() -> None:
    calm = no_event(build_catalog(TABLES).model_features)
    assert calm["reminders_365d"] == 0
    assert calm["bill_shock_latest"] == 1
    assert calm["manual_payer"] == 0
    assert np.isnan(calm["wait_max_90d"])


def test_only_measured_drivers_have_evidence() -> None:
    found = [Removal("driver", name, 10.2, 1.5, 2_000.0) for name in ("wait", "dunning")]
    rows = cause_rows(found, _STAMP, "NOK", {"wait": "measured_none"})
    assert rows["evidence"].tolist() == ["measured_none", "not_measured"]
    assert rows["customers"].tolist() == [10, 10]
    assert set(rows.columns) == {field.name for field in CAUSE_FIELDS}


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("fewer_leave", "measured_fewer"),
        ("no_difference_seen", "measured_none"),
        ("more_leave", "measured_more"),
    ],
)
def test_a_driver_is_measured_once_an_action_of_its_rule_has_a_verdict(
    verdict: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    rules = load_actions(ACTIONS)
    assert measured_drivers([], rules) == {}
    verdicts = {"A9": verdict, "A4": "not_measurable_yet", "A10": "of a later release"}
    effects = [{"kind": "action", "group": a, "verdict": v} for a, v in verdicts.items()]
    effects.append({"kind": "lane", "group": "A6", "verdict": "fewer_leave"})
    found = measured_drivers(effects, rules)
    assert found == {d: said for d, rule in rules.drivers.items() if "A9" in rule.codes}
    assert "wait" in found
    assert "price_rise" not in found


@pytest.mark.parametrize("language", ["nb", "sv", "en"])
def test_every_column_has_a_title(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    assert {field.name for field in CAUSE_FIELDS} <= set(load_titles(text_file("titles", language)))


def test_a_night_publishes_the_causes_families_first(published) -> None:
    rows = pd.read_csv(published.publication.folder / "causes.csv")
    families, drivers = (rows[rows["level"].eq(level)] for level in ("family", "driver"))
    assert rows["level"].tolist() == ["family"] * len(families) + ["driver"] * len(drivers)
    assert len(families) >= 5
    assert len(drivers) > len(families)
    for each in (families, drivers):
        assert each["leavers"].is_monotonic_decreasing
    assert (rows["value"] >= 0).all()
    assert set(rows["evidence"]) == {"not_measured"}
    scored = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    assert families["leavers"].max() < scored["churn_probability"].sum()
