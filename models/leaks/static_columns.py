"""Static-declaration leak detection: a column that was to keep its value, and did not.

A register shows at every as-of date what holds today. What changes in it may have been written
when somebody left, so a model would learn from the future.
"""

from dataclasses import dataclass

from scipy.stats import binom

from models.leaks.rows import Leak

_SHARE = 0.01
_FEWEST = 3
_FEWEST_EDITS = 10
_RISE = 2.0
_CHANCE = 0.001


@dataclass(frozen=True, slots=True)
class Edits:
    """Customers of two readings of a table, by what became of one column in between.

    ``changed`` had a value and have another or none now, ``first_written`` had none;
    ``edited_left`` of both together and ``left`` of all ``customers`` have left until now.
    """

    customers: int
    changed: int
    first_written: int
    edited_left: int
    left: int

    @property
    def edited(self) -> int:
        return self.changed + self.first_written


def judge_edits(name: str, declaration: str, edits: Edits) -> Leak | None:
    """A finding on a column declared static; None where no value that was there changed.

    It refuses from one in a hundred customers on, or when those edited have left far more often
    than others: the value was written, cleared or overwritten when they left. Fewer changes are
    noted, as they may be corrections, and a value may be written late. ``declaration`` is the
    configuration's key to edit.

    >>> judge_edits("attr_plan", "attributes.plan", Edits(1_000, 40, 0, 1, 30)).refuses
    True
    >>> judge_edits("attr_plan", "attributes.plan", Edits(1_000, 3, 0, 0, 30)).refuses
    False
    """
    many = edits.changed >= max(_FEWEST, _SHARE * edits.customers)
    edited, usual, at_exit = edits.edited, edits.left / max(edits.customers, 1), False
    if edited >= _FEWEST_EDITS and edits.edited_left >= _RISE * usual * edited:
        at_exit = bool(binom.sf(edits.edited_left - 1, edited, usual) < _CHANCE)
    if not (edits.changed or at_exit):
        return None
    stayed = edits.customers - edits.left
    apart = 0.0
    if edits.left and stayed:
        apart = edits.edited_left / edits.left - (edited - edits.edited_left) / stayed
    why = "it knows what happened since" if at_exit else "what it says today it did not say before"
    if not (many or at_exit):
        why = "few enough for corrections"
    message = (
        f"{name} is declared static ({declaration}), but since the tables were read before it was "
        f"written anew for {edited:,} of {edits.customers:,} customers, of whom "
        f"{edits.edited_left:,} have left (usual: {usual:.0%}): {why}"
    )
    evidence = {
        "auc": 0.5 + abs(apart) / 2,
        "customers": edits.customers,
        "changed": edits.changed,
        "first_written": edits.first_written,
        "leavers": edits.edited_left,
    }
    return Leak("changes", f"{name} changes", evidence, message, many or at_exit)
