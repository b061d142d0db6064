"""Reference distributions of the training rows, for the population stability index.

Bins and shares per feature, and no customer's row.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np
from pydantic import TypeAdapter, ValidationError

from features.errors import ModelError
from models.dataset.array_types import Days, Floats, Index, Matrix
from models.dataset.feature_spec import FeatureSpec

_SMALLEST = 1e-4
_TWO_YEARS = 24
_TENTHS = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One column's distribution.

    ``edges`` are the upper, inclusive bounds of every bin but the last, which is open; a
    category has one bin per code. ``shares`` has one entry per bin, as shares of all rows, and
    with ``null`` they sum to 1. ``mean`` and ``sd`` are of the known values, 0 if there are none.
    ``usual`` is the largest stability index of one training date against all the others, less
    one in every 24: days to the next bill or the season move a column every month, and that is no
    drift; one odd month in two years must not hide drift for ever. 0 with one date. Raises
    ``ValueError`` when there is not one bin more than edges.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    null: float
    mean: float
    sd: float
    usual: float = 0.0

    def __post_init__(self) -> None:
        if len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges with {len(self.shares)} shares")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model was trained on: ``rows``, each feature's distribution, and the scores'.

    ``scores`` are out-of-time probabilities, those of the test rows.
    """

    rows: int
    scored: int
    features: dict[str, Distribution]
    scores: Distribution

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str | bytes) -> "Reference":
        """Read ``to_json``'s text. Raises ``ModelError`` when it is not a reference."""
        try:
            return TypeAdapter(Reference).validate_json(text)
        except ValidationError as error:
            raise ModelError(
                f"The model's reference.json is not a reference ({error}). "
                "Train again: stille train."
            ) from error


def learn_reference(
    x: Matrix, as_of: Days, spec: FeatureSpec, scores: Floats, scored_on: Days
) -> Reference:
    """The reference of an encoded matrix (n, f) and of out-of-time probabilities (m,).

    ``as_of`` (n,) and ``scored_on`` (m,) are the rows' dates.
    """
    dates, scored = (np.unique(days, return_inverse=True)[1] for days in (as_of, scored_on))
    codes = [len(each.vocabulary) if each.kind == "category" else 0 for each in spec.columns]
    features = {
        name: _distribution_of(x[:, i], dates, codes[i]) for i, name in enumerate(spec.names)
    }
    return Reference(len(x), len(scores), features, _distribution_of(scores, scored, 0))


def counts_of(values: Floats | Matrix, edges: tuple[float, ...]) -> Floats:
    """Rows in each bin and, last, of nulls, shape (bins + 1,); ``values`` has shape (n,).

    >>> counts_of(np.array([1.0, 2.0, 3.0, np.nan]), (2.0,)).tolist()
    [2.0, 1.0, 1.0]
    """
    known = values[~np.isnan(values)]
    bins = np.searchsorted(np.array(edges), known, side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return np.array([*counts, len(values) - len(known)], dtype=np.float64)


def stability(now: Floats, then: Floats) -> tuple[float, float]:
    """The population stability index of two rows of counts, and what chance gives of it.

    Σ (now − then) · ln(now / then) over shares, none taken as below 0.0001; by chance it is the
    number of bins in use less one, times 1 / rows now + 1 / rows then. Both have rows.
    """
    shares = [np.maximum(counts / counts.sum(), _SMALLEST) for counts in (now, then)]
    index = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    used = int((np.maximum(now, then) > 0).sum())
    return index, (used - 1) * (1 / float(now.sum()) + 1 / float(then.sum()))


def _distribution_of(values: Floats | Matrix, dates: Index, codes: int) -> Distribution:
    known = values[~np.isnan(values)].astype(np.float64)
    if codes:
        edges = np.arange(codes - 1) + 0.5
    elif len(known):
        edges = np.unique(np.quantile(known, _TENTHS, method="lower"))
    else:
        edges = np.empty(0)
    bounds = tuple(edges.tolist())
    counts = counts_of(values, bounds)
    *shares, null = (counts / len(values)).tolist()
    mean, sd = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
    return Distribution(bounds, tuple(shares), null, mean, sd, _usual(values, dates, bounds))


def _usual(values: Floats | Matrix, dates: Index, edges: tuple[float, ...]) -> float:
    by_date = [counts_of(values[dates == date], edges) for date in range(int(dates.max()) + 1)]
    if len(by_date) == 1:
        return 0.0
    total = np.sum(by_date, axis=0)
    against_others = (stability(counts, total - counts) for counts in by_date)
    return max(0.0, trimmed([index - by_chance for index, by_chance in against_others]))


def trimmed(values: list[float]) -> float:
    """The largest value, less one in every two years of monthly ones.

    A month that is odd every year is left; of less than two years nobody can tell.

    >>> trimmed([0.1, 0.3, 9.0]), trimmed([*range(23)]), trimmed([*range(24)])
    (9.0, 22, 22)
    """
    return sorted(values)[-1 - len(values) // _TWO_YEARS]
