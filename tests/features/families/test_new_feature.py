"""The feature that docs/architecture.md adds is added in a copy of its family, and computes."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from companies import company, matrices

from features.catalog import Catalog
from features.declarations import read_declarations
from features.families import support
from features.feature import Family, Feature

_PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"
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
    [waits, *_] = read_declarations(Path(support.__file__).with_suffix(".yaml"))
    family = Family(support.FAMILY.name, list(support.FAMILY.features))
    family.declare(driver=waits["driver"], **yaml.safe_load(block))
    return family.features[len(support.FAMILY.features) :]


def test_the_new_column_appears_and_computes(added: list[Feature]) -> None:
    catalog = Catalog((support.WAITS,), tuple(added), {})
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
    assert feature.name not in {known.name for known in support.FAMILY.features}
    assert (feature.driver, feature.unit, feature.sign) == ("wait", "s", 1)
    assert feature.doc.endswith(".")
    assert feature.source
