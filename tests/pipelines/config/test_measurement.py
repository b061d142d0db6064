"""A measurement that was damaged on the disk says nothing; one without a digest is of before."""

from datetime import date

import pytest

from pipelines.config.measurement import EFFECT_VERSION, newest, opened_json, sealed_json

DAY = date(2024, 2, 1)
DATA = {"schema_version": EFFECT_VERSION, "lots": [{"difference": -0.0125, "power": 1e-7}]}


@pytest.mark.promise("stores")
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path, record_property):
    whole = sealed_json(DATA)
    assert opened_json(whole) == DATA
    path = tmp_path / f"{DAY}.json"
    used = 0
    for at in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[at // 8] ^= 1 << at % 8
        path.write_bytes(damaged)
        found = newest(tmp_path, DAY, EFFECT_VERSION).data
        # A space that became another, or the digest's name: what was measured is as it was.
        used += found is not None and {**found, **DATA} != found
    record_property("flipped bits: measured effect", [8 * len(whole) - used, 8 * len(whole)])
    assert used == 0
