"""Days go by with faults among them; each ends with the right list or the last good one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parents[2] / "helpers" / "month.py"


@pytest.mark.promise("month", "closed", "clock", "together", "registry_down", "barred")
@pytest.mark.fault(1, 4, 27, 28, 30, 32, 43)
@pytest.mark.parametrize(
    ("days", "faults", "seed"), [(7, 4, 2), pytest.param(30, 10, 1, marks=pytest.mark.proof)]
)
def test_each_day_ends_with_its_list_or_the_last_good_one(
    small_company, tmp_path, record_property, days, faults, seed
):
    asked = [sys.executable, DRIVER, small_company, tmp_path, days, faults, seed]
    done = subprocess.run([*map(str, asked)], stdout=subprocess.PIPE, check=True)
    lived = json.loads(done.stdout)
    assert len([day for day in lived if day["fault"]]) == faults
    well = [day for day in lived if not day["wrong"]]
    record_property("days of a month with faults", [len(well), len(lived)])
    assert well == lived
