"""Every promise and every fault has a test, and the page says of each how its tests ended."""

from datetime import date

from benchmarks.reliability.catalogue import catalogue, marked
from benchmarks.reliability.page import Outcome, page


def test_every_promise_and_every_fault_has_a_test(root):
    assert {key for key, _ in marked(root / "tests")} == set(catalogue())


def test_the_page_has_every_file_with_a_mark(root):
    committed = (root / "docs" / "reliability.md").read_text(encoding="utf-8")
    found = {path.relative_to(root).as_posix() for _, path in marked(root / "tests")}
    absent = [path for path in found if f"](../{path})" not in committed]
    absent += [said["name"] for said in catalogue().values() if said["name"] not in committed]
    assert absent == [], "run: make reliability"


def test_figures_are_added_up_and_what_did_not_pass_is_said():
    test = "tests/test_a.py::test_a_night_is_whole"
    outcomes = [
        Outcome(f"{test}[1]", "passed", ("atomic", 1), {"kills": (3, 4)}),
        Outcome(f"{test}[2]", "failed", ("atomic",), {"kills": (5, 5)}),
        Outcome("tests/test_b.py::test_b", "skipped", ("atomic",), {}),
        Outcome("tests/test_b.py::test_c", "defect", (1,), {}),
    ]
    lines = page(outcomes, date(2024, 1, 2), date(2024, 1, 1)).splitlines()
    assert "| kills | 8 | 9 |" in lines
    assert any(
        line.endswith("Long ones ran on other days, the first of them on 2024-01-01.")
        for line in lines
    )
    (row,) = [line for line in lines if line.startswith("| 1 | **One whole publication")]
    assert "[a night is whole](../tests/test_a.py), [b](../tests/test_b.py)" in row
    assert row.endswith("| 1 of 2 cases; 1 failed; 1 skipped; kills: 8 of 9 |")
    (row,) = [line for line in lines if line.startswith("| 1 | **A required table")]
    assert row.endswith("| 1 of 2 cases; 1 defect; kills: 3 of 4 |")
    assert "Of 4 cases 1 passed" in "\n".join(lines)
