"""Bits flip in what is kept or published: the next night refuses it or makes it again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).parents[2] / "helpers" / "damaged_stores.py"


@pytest.mark.promise("stores", "whole_model")
@pytest.mark.parametrize(
    ("flips", "stores"),
    [
        pytest.param(1, ["kept matrices", "snapshots", "kept champion"], id="some"),
        pytest.param(20, [], marks=pytest.mark.proof, id="every store"),
    ],
)
def test_a_night_never_uses_what_was_damaged(
    small_company, tmp_path, record_property, flips, stores
):
    asked = [sys.executable, DRIVER, small_company, tmp_path, flips, 1, *stores]
    done = subprocess.run([*map(str, asked)], stdout=subprocess.PIPE, check=True)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    for result in results:
        name = f"flipped bits: {result['store']}"
        record_property(name, [flips - len(result["wrong"]), flips])
    assert [result for result in results if result["wrong"]] == []
