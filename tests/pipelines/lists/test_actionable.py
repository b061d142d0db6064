"""Only what can be acted on gives an action."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from features.catalog import build_catalog
from features.contract import TABLES
from features.errors import ConfigError
from pipelines.config.text_files import ACTIONS
from pipelines.lists.actions import load_actions, suggest
from pipelines.lists.templates import DRIVERS, FACTS, UNCHANGEABLE

RULES = load_actions(ACTIONS)
FEATURES = build_catalog(tuple(TABLES)).model_features


def suggested(driver: str, **facts: float) -> str | None:
    row = pd.DataFrame([{"reason_1_driver": driver} | facts])
    action = suggest(row, RULES, 1)["suggested_action"][0]
    return None if pd.isna(action) else str(action)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_driver_gives_an_action_when_somebody_can_act_on_it(driver: str) -> None:
    action = suggested(driver)
    assert (action is not None) == (driver in RULES.drivers)
    if driver in UNCHANGEABLE:
        extreme = {fact: 1e6 for fact, kind in FACTS.items() if kind not in ("date", "text")}
        assert action is None
        assert suggested(driver, **extreme) is None


def test_nothing_that_the_customer_is_can_be_acted_on() -> None:
    who = {f.driver for f in FEATURES if f.family == "relationship"}
    assert {"tenure", "product", "household"} <= who <= set(UNCHANGEABLE)
    [segment] = [f.driver for f in FEATURES if f.name == "segment"]
    assert segment in UNCHANGEABLE
    assert not set(RULES.drivers) & set(UNCHANGEABLE)


def test_every_driver_of_a_feature_has_sentences_and_is_acted_on_or_not() -> None:
    assert {f.driver for f in FEATURES} | {"profile"} == set(DRIVERS)
    assert set(DRIVERS) == set(RULES.drivers) | set(UNCHANGEABLE) | {"noise"}


@pytest.mark.parametrize("driver", UNCHANGEABLE)
def test_a_table_that_acts_on_who_the_customer_is_is_refused(driver: str, tmp_path: Path) -> None:
    table = yaml.safe_load(ACTIONS.read_text(encoding="utf-8"))
    table["drivers"][driver] = {"actions": ["A4"], "source": "S3"}
    path = tmp_path / "actions.yaml"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"drivers.{driver}: nobody can act on it"):
        load_actions(path)
