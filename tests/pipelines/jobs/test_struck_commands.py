"""Every command that writes may be killed or refused the disk at any call, and runs again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parents[2] / "helpers" / "commands.py"
WRITING = ("nightly", "train", "check", "recalibrate", "promote", "rollback", "forget")
WRITING += ("effect", "outcomes", "monitor")
REFUSED = {"full": 3, "read-only": 3, "no inodes": 3, "input and output": 3, "slow": 1}
EVERY_CALL = 1_000_000
QUICK = [
    ("nightly", {"kill": 1, "full": 1}),
    ("forget", {"kill": 3, "read-only": 1}),
    ("outcomes", {"kill": 1, "input and output": 1}),
]
ALL = {"kill": EVERY_CALL, **REFUSED}
PARTS = 6
# A rollback that has ended leaves no older champion to go back to.
AGAIN = {"rollback": 4}


@pytest.mark.promise("atomic", "closed")
@pytest.mark.fault(27, 28)
@pytest.mark.parametrize(
    "plans",
    [
        pytest.param(QUICK, id="some calls"),
        *(
            pytest.param([(name, ALL)], marks=pytest.mark.proof, id=name)
            for name in WRITING
            if name != "train"
        ),
        # A training has the most calls and takes the longest.
        *(
            pytest.param([("train", ALL, part, PARTS)], marks=pytest.mark.proof, id=f"train {part}")
            for part in range(PARTS)
        ),
    ],
)
def test_a_struck_command_leaves_the_last_list_and_finishes_when_it_runs_again(
    small_company, tmp_path, record_property, plans
):
    asked = [sys.executable, str(DRIVER), "sweep", small_company, tmp_path, json.dumps(plans)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, check=True)
    for (_, plan, *_), swept in zip(plans, json.loads(done.stdout), strict=True):
        command, results = swept["command"], swept["results"]
        assert swept["code"] == 0
        again = AGAIN.get(command, 0)
        wrong = [struck for struck in results if not _converged(struck, again)]
        for fault in plan:
            of = [struck for struck in results if struck["fault"] == fault]
            name = f"kills of {command}" if fault == "kill" else f"disks that fail: {fault}"
            record_property(name, [len([each for each in of if each not in wrong]), len(of)])
        assert wrong == []


def _converged(struck: dict, again: int) -> bool:
    """A run that was not hindered ends with 0, and the next one then with ``again``."""
    ends = {"kill": {-signal.SIGKILL, 0}, "slow": {0}}.get(struck["fault"], {0, 4, 5})
    return (
        struck["code"] in ends
        and struck["whole"]
        and struck["rerun"] == (again if struck["code"] == 0 else 0)
        and struck["other"] == []
    )


@pytest.mark.promise("together", "one_publisher")
@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "names",
    [
        ["nightly"] * 2 + ["forget", "promote", "outcomes"],
        pytest.param(
            ["nightly"] * 8 + ["check", "train", "forget", "promote", "outcomes", "effect"],
            marks=pytest.mark.proof,
        ),
    ],
    ids=["some", "everything"],
)
def test_what_runs_at_the_same_time_ends_well_or_waits(
    small_company, tmp_path, record_property, names
):
    asked = [sys.executable, str(DRIVER), "together", small_company, tmp_path, json.dumps(names)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    well = [name for name, code in found["codes"] if code in (0, 75)]
    record_property("commands at once", [len(well), len(names)])
    assert well == names, found
    assert {code for _, code in found["again"]} == {0}
    assert found["listed"] == "2023-09-01"
