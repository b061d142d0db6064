"""``python -m benchmarks.models [SET …] [--page]``: measure what is not kept yet, write the page.

With ``--page`` nothing is measured: the page shows what is kept.
"""

import sys
from functools import partial
from pathlib import Path

from benchmarks.models import contest, proofs
from benchmarks.models.data import SETS, load
from benchmarks.models.keeping import kept, measure_nothing, settled
from benchmarks.models.page import page

PAGE = Path("docs/benchmark.md")
_SMALL = ("telco", "powerco")
_LARGE = ("trupanion",)


def measured(name: str) -> dict[str, object]:
    """Every part of one set, measured or read back; empty where its files are absent."""
    data = load(name)
    if data is None:
        return {}
    found: dict[str, object] = {}
    rows = contest.contest(data)
    if rows:
        found["contest"] = contest.standings(data, rows)
    parts = {"overlap": proofs.overlap, "binning": proofs.binning}
    if name in _SMALL:
        parts["bytes"] = proofs.same_bytes
    if name in _LARGE:
        parts["sampling"] = proofs.sampling
    about = [data.digest, settled(len(data.examples))]
    for part, measure in parts.items():
        found[part] = kept(f"{name}-{part}", about, partial(measure, data))
    return found


def main(arguments: list[str]) -> None:
    """Measure the named sets, all by default, one after the other, and write the page."""
    only_kept = "--page" in arguments
    names = [name for name in arguments if name in SETS] or list(SETS)
    results = {}
    for name in SETS:
        measure_nothing(only_kept or name not in names)
        results[name] = measured(name)
    if not any(results.values()):
        sys.exit("None of the sets is here: set STILLE_EXAMPLE_DATA to their folder, a full path.")
    PAGE.write_text(page(results), encoding="utf-8")
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    main(sys.argv[1:])
