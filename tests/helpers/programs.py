"""Optional programs of the tests: absent, their tests are skipped, or fail where demanded.

A machine with Python and make only must be able to run the tests, and continuous integration must
not pass by skipping. ``STILLE_TEST_DEMANDS`` names what has to be there: ``all``, or names
separated by commas, such as ``postgresql,chromium``.
"""

import os
from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import TypeVar

import pytest

T = TypeVar("T")
DEMANDS = "STILLE_TEST_DEMANDS"


def required(name: str, program: T | None, install: str) -> T:
    """The program; without it the test is skipped, or fails if it is demanded."""
    if program is not None:
        return program
    absent = f"{name} is not installed: {install}"
    demands = {word.strip().lower() for word in os.environ.get(DEMANDS, "").split(",")}
    if demands & {"all", name.lower()}:
        pytest.fail(f"{absent} ({DEMANDS} demands it)", pytrace=False)
    pytest.skip(absent)


def skipped_by_reason(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each reason to skip, most tests first: how many tests, of which files, and why."""
    files: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        files[reason.removeprefix("Skipped: ")].append(report.nodeid.split("::")[0])
    return [
        f"{len(names)} not run ({', '.join(sorted(set(names)))}): {reason}"
        for reason, names in sorted(files.items(), key=lambda each: (-len(each[1]), each[0]))
    ]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Name last what was skipped and why; a hook, so it has the reports of all workers."""
    yield
    if lines := skipped_by_reason(terminalreporter.stats.get("skipped", [])):
        terminalreporter.section("not run on this machine")
        for line in lines:
            terminalreporter.write_line(line)
