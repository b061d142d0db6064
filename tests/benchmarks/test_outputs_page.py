"""The page that describes the published files is the one the code would write."""

from benchmarks.outputs_page import outputs_page


def test_the_committed_page_is_current(root):
    committed = (root / "docs" / "outputs.md").read_text(encoding="utf-8")
    assert committed == outputs_page(committed), "run: python -m benchmarks.outputs_page"
