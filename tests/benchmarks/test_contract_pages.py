"""The page of features is complete, and the one the declarations would write."""

from pathlib import Path

from companies import FULL

from benchmarks.contract_pages import dictionary_page

_PAGE = Path(__file__).parents[2] / "docs" / "features.md"
_PRESENT = _PAGE.read_text(encoding="utf-8")
_COMMAND = "python -m benchmarks.contract_pages"


def test_the_committed_page_is_current() -> None:
    assert dictionary_page(_PRESENT) == _PRESENT, f"run: {_COMMAND}"
    assert f"`{_COMMAND}`" in _PRESENT


def test_only_what_stands_before_the_first_family_stays_of_a_page() -> None:
    intro, _, families = _PRESENT.partition("\n## ")
    assert dictionary_page(f"{intro}\n## gone\n\nOf an earlier day.\n") == _PRESENT
    assert dictionary_page("# Other words\n") == f"# Other words\n\n## {families}"


def test_every_feature_and_fact_has_one_complete_row() -> None:
    rows = [line for line in dictionary_page(_PRESENT).splitlines() if line.startswith("| `")]
    cells = {row.split("`")[1]: row.strip("| ").split(" | ") for row in rows}
    assert len(cells) == len(rows)
    for feature in FULL.features:
        fact = feature.kind == "fact"
        base = feature.name if fact else feature.name.removesuffix(f"_{feature.window}d")
        row = cells[base]
        assert row[1:4] == [feature.driver, feature.doc, feature.unit]
        assert len(row) == (4 if fact else 9)
        assert all(cell for place, cell in enumerate(row) if place != 4), base
        if feature.window is not None and not fact:
            assert str(feature.window) in row[4].split(", ")


def test_a_row_says_what_the_declaration_says() -> None:
    assert (
        "| `wait_max` | wait | Longest wait to be answered. | s | 30, 90, 365 | + | unknown "
        "| S3 §4 | contacts (direction, wait_seconds) |"
    ) in dictionary_page(_PRESENT)
