"""The feature that docs/architecture.md adds is added in a copy of its family, and computes."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from companies import FULL, company, matrices

from features.catalog import Catalog, build_catalog
from features.contract import read_declarations
from features.feature import Family, Feature

_ROOT = Path(__file__).parents[3]
_PAGE = _ROOT / "docs" / "architecture.md"
_FILE = _ROOT / "features" / "families" / "support.yaml"
_CALLS = [
    {"started_at": "2024-03-01 10:00:00", "wait_seconds": 30},
    {"started_at": "2024-03-02 10:00:00", "wait_seconds": 90},
    {"started_at": "2023-12-01 10:00:00", "wait_seconds": 999},
    {"started_at": "2024-04-01 10:00:00", "wait_seconds": 999},
]


@pytest.fixture
def added() -> list[Feature]:
    section = _PAGE.read_text(encoding="utf-8").split("## A new feature")[1].split("\n## ")[0]
    [block] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    declared = read_declarations(_FILE)
    family = Family(declared["family"])
    family.declare(driver=declared["features"][0]["driver"], **yaml.safe_load(block))
    return family.features


def test_the_new_column_appears_and_computes(added: list[Feature]) -> None:
    catalog = build_catalog({"contacts"})
    [waits] = [stream for stream in catalog.streams if stream.name == "waits"]
    catalog = Catalog((waits,), tuple(added), {})
    [table] = matrices(company(contacts=_CALLS), [date(2024, 4, 1)], catalog=catalog, everyone=True)
    assert table.to_pylist() == [
        {
            "customer_id": "a",
            "as_of": date(2024, 4, 1),
            "product_line": None,
            "wait_mean_90d": 60.0,
        }
    ]


def test_the_example_is_documented_like_every_feature(added: list[Feature]) -> None:
    [feature] = added
    assert feature.name not in {known.name for known in FULL.features}
    assert (feature.driver, feature.unit, feature.sign) == ("wait", "s", 1)
    assert feature.doc.endswith(".")
    assert feature.source
