"""Run the marked tests and write docs/reliability.md: ``python -m benchmarks.reliability``.

Arguments are passed on to pytest, as ``-n 2`` or paths; how a test ended that they leave out is
what it was when it last ran, which ``outcomes.jsonl`` has, and the page says since when. Ends with
pytest's exit code.
"""

import json
import sys
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reliability.page import Outcome, page

PAGE, KEPT = Path("docs/reliability.md"), Path(__file__).with_name("outcomes.jsonl")


class Collector:
    """Outcomes of the marked tests, as pytest reports them, by node id."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep a marked test as one that was not run, until it is."""
        marks = [mark for mark in item.iter_markers() if mark.name in ("promise", "fault")]
        if keys := tuple(key for mark in marks for key in mark.args):
            self.outcomes[item.nodeid] = Outcome(item.nodeid, "not run", keys, {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the test is marked with, how it ended and the figures that it recorded."""
        if report.when == "call" or not report.passed:
            said: dict[str, list[Any]] = defaultdict(list)
            for name, value in report.user_properties:
                said[name].append(value)
            ended = "defect" if hasattr(report, "wasxfail") else report.outcome
            marks = tuple(said.pop("marked", ()))
            figures = {
                name: (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
                for name, pairs in said.items()
            }
            self.outcomes[report.nodeid] = Outcome(report.nodeid, ended, marks, figures)


def main() -> int:
    """Run the tests; the page is written also where some failed, and says so."""
    collector, marked = Collector(), ["-q", "-m", "promise or fault"]
    # Processes of a distributed run tell nothing of tests that are left out.
    if code := pytest.main([*marked, "--collect-only", "--no-summary"], plugins=[collector]):
        return int(code)  # what was not collected would be given up
    code = pytest.main([*marked, *sys.argv[1:]], plugins=[collector])
    today = datetime.now(UTC).date()
    ran = {
        each.test: [each.ended, each.marks, each.figures, today.isoformat()]
        for each in collector.outcomes.values()
        if each.ended != "not run" and each.marks
    }
    before = dict(map(json.loads, KEPT.read_text("utf-8").splitlines()))
    kept = {test: row for test, row in before.items() if test in collector.outcomes} | ran
    lines = (json.dumps(row, ensure_ascii=False) for row in sorted(kept.items()))
    KEPT.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    found = {test: Outcome(test, row[0], tuple(row[1]), row[2]) for test, row in kept.items()}
    oldest = min((date.fromisoformat(row[3]) for row in kept.values()), default=today)
    outcomes = [*(collector.outcomes | found).values()]
    PAGE.write_text(page(outcomes, today, oldest), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
