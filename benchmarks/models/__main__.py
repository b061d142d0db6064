"""``python -m benchmarks.models [SET …] [--page]``: measure what is not kept yet, write the page.

With ``--page`` nothing is measured: the page shows what is kept.
"""

import sys
from pathlib import Path

from pipelines.environment import quiet_libraries

quiet_libraries()

from benchmarks.models import contest, keeping, proofs  # noqa: E402  (LightGBM must find its environment)
from benchmarks.models.data import SETS, load  # noqa: E402
from benchmarks.models.page import page  # noqa: E402

PAGE = Path("docs/benchmark.md")
_SMALL = ("telco", "powerco")
_LARGE = ("trupanion",)


def measured(name: str) -> dict[str, object]:
    """Every part of one set, measured or read back; empty where its files are absent."""
    data = load(name)
    if data is None:
        return {}
    found: dict[str, object] = {"contest": contest.contest(data)}
    if name not in _LARGE:
        found["overlap"] = proofs.overlap(data)
    if name in _SMALL:
        found["bytes"] = proofs.same_bytes(data)
    if name in _LARGE:
        found["sampling"] = proofs.sampling(data)
    found["binning"] = proofs.binning(data)
    return found


def main(arguments: list[str]) -> None:
    """Measure the named sets, all by default, one after the other, and write the page."""
    only_kept = "--page" in arguments
    names = [name for name in arguments if name in SETS] or list(SETS)
    keeping.measure_nothing(only_kept)
    results = {}
    for name in SETS:
        keeping.measure_nothing(only_kept or name not in names)
        results[name] = measured(name)
    PAGE.write_text(page(results), encoding="utf-8")
    print(f"Written: {PAGE}")


if __name__ == "__main__":
    main(sys.argv[1:])
