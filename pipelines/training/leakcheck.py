"""The leak detector for ``stille check``: before anything is trained, on the newest months."""

from features.errors import GateError
from pipelines.run import Run
from pipelines.snapshots.snapshot import Snapshot
from pipelines.train import make_examples
from pipelines.training.leaks import search_leaks

_NEWEST = 6
_FEWEST_LEAVERS = 20


def refuse_leaks(run: Run, snapshot: Snapshot) -> str:
    """Look for leaks in the newest six months with a complete label; what was done, in words.

    Where no label can be made, or too few have left, nothing is looked for and the answer says
    why. Raises ``GateError`` naming column and evidence, unless ``training.leak_override`` does.
    """
    if not {"terminations", "labels"} & set(snapshot.tables):
        return "Leaks were not looked for: the tables do not say who left."
    try:
        prepared = make_examples(run, snapshot, newest=_NEWEST)
    except GateError as error:
        return f"Leaks were not looked for: {error}"
    examples = prepared.examples
    leavers = int(examples.y.sum())
    if min(leavers, len(examples) - leavers) < _FEWEST_LEAVERS:
        return f"Leaks were not looked for: {leavers} of {len(examples):,} rows left, too few."
    search = search_leaks(run, prepared)
    if search.warning is not None:
        raise GateError(search.warning.message)
    return (
        f"No column gives the answer away in {len(examples):,} rows of {examples.as_of.min()} to "
        f"{examples.as_of.max()}, with {leavers:,} leavers."
    )
