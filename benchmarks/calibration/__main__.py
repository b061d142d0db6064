"""``python -m benchmarks.calibration [levels] [slopes]``: levels under drift, then slopes.

Simulated companies are learned from once, on what was known in the fifteenth month of labels.
Small ones tell how far a level is off when it moves for good, from that month on, or only
swings; a large one tells the slopes by month and product line, which chance hides on the small.
Their matrices are kept below ``var/bench``.
"""

import sys
from collections.abc import Iterator

from benchmarks.calibration import level, slopes
from benchmarks.calibration.company import company

SMALL, SEEDS = 6_000, (7, 8, 9, 10)
LARGE, SEED = 50_000, 7


def levels() -> Iterator[str]:
    """Level errors of the small companies."""
    yield f"{SMALL:,} customers each, seeds {', '.join(map(str, SEEDS))}\n"
    yield level.table([company(SMALL, seed) for seed in SEEDS])


def by_line() -> Iterator[str]:
    """Slopes of the large company, and of a small one."""
    for customers in (LARGE, SMALL):
        yield f"\n{customers:,} customers, seed {SEED}\n"
        yield slopes.table(company(customers, SEED))


def main() -> None:
    """Print both Markdown tables, or the ones that are named."""
    tables = {"levels": levels, "slopes": by_line}
    for name in sys.argv[1:] or tables:
        for text in tables[name]():
            print(text, flush=True)


if __name__ == "__main__":
    main()
