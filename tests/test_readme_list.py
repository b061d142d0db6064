"""The README's rows have the list's columns, and sentences that the list can say."""

import re
from pathlib import Path

import pytest

from pipelines.lists.actions import load_actions
from pipelines.lists.list_columns import BANDS, FIELDS
from pipelines.lists.templates import Direction, Placeholder, Templates, Variant, load_templates

ROOT = Path(__file__).parents[1]
FILES = {"risk_list.csv": "nb", "risk_list.sv.csv": "sv", "risk_list.en.csv": "en"}


def rows(name: str) -> list[dict[str, str]]:
    section = (ROOT / "README.md").read_text("utf-8").split("## The list")[1].split("\n## ")[0]
    table = section.split(f"`{name}`")[1].strip("): \n").split("\n\n")[0]
    head, _, *body = (
        [cell.strip() for cell in line[1:-1].split("|")] for line in table.split("\n")
    )
    return [dict(zip(head, cells, strict=True)) for cells in body]


def pattern(variant: Variant) -> str:
    pieces = variant.parts
    return "".join(".+" if isinstance(p, Placeholder) else re.escape(p) for p in pieces)


def sayable(text: str, templates: Templates, way: Direction) -> bool:
    variants = [v for (_, to), each in templates.variants.items() for v in each if to == way]
    patterns = (pattern(v) for v in variants if not {"profile_name"} & v.facts)
    return any(re.fullmatch(each, text) for each in patterns)


@pytest.mark.parametrize("name", FILES)
def test_the_rows_are_of_the_lists_shape_and_language(name: str) -> None:
    templates = load_templates(ROOT / "configs" / "reasons" / f"{FILES[name]}.yaml")
    actions = load_actions(ROOT / "configs" / "actions.yaml").actions
    shown = rows(name)
    assert [row["risk_rank"] for row in shown] == ["1", "2", "3"]
    assert set(shown[0]) <= {field.name for field in FIELDS}
    for row in shown:
        assert re.fullmatch(r"C\d{7}", row["customer_id"])
        assert re.fullmatch(r"0\.\d{6}", row["churn_probability"])
        assert row["risk_band"] in BANDS
        assert row["suggested_action"] in actions
        assert sayable(row["reason_1_text"], templates, "raises")
        assert sayable(row["reason_2_text"], templates, "raises")
        kept = row["protective_1_text"]
        assert not kept or sayable(kept, templates, "lowers")


def test_every_language_shows_the_same_customers() -> None:
    norwegian, *others = (
        [{k: v for k, v in row.items() if not k.endswith("_text")} for row in rows(name)]
        for name in FILES
    )
    assert all(other == norwegian for other in others)
