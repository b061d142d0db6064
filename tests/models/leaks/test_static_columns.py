"""What edits of a column declared static say, each figure by hand."""

import pytest

from models.leaks.static_columns import Edits, judge_edits


@pytest.mark.parametrize(
    ("edits", "refuses"),
    [
        (Edits(1_000, 0, 0, 0, 100), None),
        (Edits(1_000, 9, 0, 0, 100), False),  # under one in a hundred: corrections
        (Edits(1_000, 10, 0, 0, 100), True),
        (Edits(100, 2, 0, 0, 0), False),
        (Edits(100, 3, 0, 0, 0), True),
        (Edits(1_000, 0, 400, 40, 100), None),  # written late, for leavers as for others
        (Edits(100_000, 20, 0, 19, 3_000), True),  # few, but written when they left
        (Edits(100_000, 0, 20, 19, 3_000), True),  # a reason for leaving, null until then
        (Edits(100_000, 20, 0, 1, 3_000), False),
        (Edits(10_000, 12, 0, 1, 300), False),  # one leaver where a third of one is usual
    ],
)
def test_many_changes_or_those_of_leavers_refuse(edits, refuses):
    told = judge_edits("attr_plan", "sources.customers.attributes.plan", edits)
    assert (told and told.refuses) == refuses
    if told:
        assert ("corrections" in told.message) == (not refuses)
    if told and not edits.left:
        assert told.strength == 0.5


def test_the_finding_names_the_key_to_edit_and_has_one_of_its_own():
    told = judge_edits("attr_plan", "sources.customers.attributes.plan", Edits(200, 30, 10, 20, 20))
    assert told is not None
    assert (told.kind, told.column) == ("changes", "attr_plan changes")
    assert told.override({"attr_plan": "another finding"}) is None
    # All 20 leavers were edited, and 20 of the 180 others: half of the difference above one half.
    assert told.strength == pytest.approx(0.5 + (1 - 20 / 180) / 2)
    assert "40 of 200 customers, of whom 20 have left (usual: 10%)" in told.message
    assert "(sources.customers.attributes.plan)" in told.message
