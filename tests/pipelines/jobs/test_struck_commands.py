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
QUICK = {
    "nightly": {"kill": 1, "full": 1},
    "rollback": {"kill": 1, "read-only": 1},
    "forget": {"kill": 2, "full": 1},
    "outcomes": {"kill": 2, "input and output": 2},
    "effect": {"kill": 1, "no inodes": 1},
}
# Once all is written, alarms rang.
ENDS = {"monitor": 6}


@pytest.mark.promise("atomic", "closed")
@pytest.mark.fault(27, 28)
@pytest.mark.parametrize(
    "plans",
    [
        pytest.param(QUICK, id="some calls"),
        *(
            pytest.param({name: {"kill": EVERY_CALL, **REFUSED}}, marks=pytest.mark.proof, id=name)
            for name in WRITING
        ),
    ],
)
def test_a_struck_command_leaves_the_last_list_and_finishes_when_it_runs_again(
    small_company, tmp_path, record_property, plans
):
    asked = [sys.executable, str(DRIVER), "sweep", small_company, tmp_path, json.dumps(plans)]
    done = subprocess.run(asked, stdout=subprocess.PIPE, check=True)
    for swept in json.loads(done.stdout):
        command, results = swept["command"], swept["results"]
        assert swept["code"] == ENDS.get(command, 0)
        wrong = [struck for struck in results if not _converged(struck, swept["code"])]
        for fault in plans[command]:
            of = [struck for struck in results if struck["fault"] == fault]
            name = f"kills of {command}" if fault == "kill" else f"disks that fail: {fault}"
            record_property(name, [len([each for each in of if each not in wrong]), len(of)])
        assert wrong == []


def _converged(struck: dict, code: int) -> bool:
    ends = {"kill": {-signal.SIGKILL, code}, "slow": {code}}.get(struck["fault"], {4, 5, code})
    return (
        struck["code"] in ends
        and struck["whole"]
        and (struck["rerun"], struck["other"]) == (code, [])
    )
