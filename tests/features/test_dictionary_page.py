"""The page of features is complete, and the one the declarations would write."""

from pathlib import Path

from companies import FULL

from features.dictionary_page import dictionary_page

_PAGE = Path(__file__).parents[2] / "docs" / "features.md"
_COMMAND = (
    """python -c "import features.dictionary_page as p; print(p.dictionary_page(), end='')\""""
)


def test_the_committed_page_is_current() -> None:
    written = f"run: {_COMMAND} > docs/features.md"
    assert _PAGE.read_text(encoding="utf-8") == dictionary_page(), written
    assert f"`{_COMMAND} > docs/features.md`" in dictionary_page()


def test_every_feature_and_fact_has_one_complete_row() -> None:
    rows = [line for line in dictionary_page().splitlines() if line.startswith("| `")]
    cells = {row.split("`")[1]: row.strip("| ").split(" | ") for row in rows}
    assert len(cells) == len(rows)
    for feature in FULL.features:
        base = feature.name.removesuffix(f"_{feature.window}d")
        row = cells[base]
        assert row[1:4] == [feature.driver, feature.doc, feature.unit]
        assert len(row) == (4 if feature.kind == "fact" else 9)
        assert all(cell for place, cell in enumerate(row) if place != 4), base
        if feature.window is not None:
            assert str(feature.window) in row[4].split(", ")


def test_a_row_says_what_the_declaration_says() -> None:
    assert (
        "| `wait_max` | wait | Longest wait to be answered. | s | 30, 90, 365 | + | unknown "
        "| S3 §4 | contacts (direction, wait_seconds) |"
    ) in dictionary_page()
