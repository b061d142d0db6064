"""Companies as matrices, honest ones and ones into which a leak is planted.

Every plant works on any examples, so that the same leaks go into made-up matrices and into
those that the real pipeline builds from a simulated company.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.timeline import LabelWindow
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, FeatureSpec, learn_spec

WINDOW = LabelWindow(lead_days=14, horizon_days=90)
_START = np.datetime64("2022-01-01", "D")


@dataclass(frozen=True, slots=True)
class Planted:
    """Examples with a leak, the names it may be found under, and the kinds it may be called."""

    examples: Examples
    names: tuple[str, ...]
    kinds: tuple[str, ...]


def honest(seed: int, customers: int = 1_200, months: int = 24) -> Examples:
    """A company without leaks: about one in forty leaves a month, for reasons with a memory.

    Ids rise with the joining date; newcomers leave sooner. There are near copies of columns,
    columns with gaps, dates in the past, and planned dates that lie ahead for everybody.
    """
    rng = np.random.default_rng(seed)
    joined = np.sort(rng.integers(-2_500, months * 30 - 150, customers))
    traits = _traits(rng, customers, joined)
    trouble = rng.normal(size=customers)
    contacts = np.zeros((4, customers))
    since = np.full(customers, np.nan)
    ends = np.full(customers, 10**6)
    frames = []
    for month in range(months):
        day = month * 30
        trouble = 0.7 * trouble + rng.normal(0, 0.7, customers)
        contacts = np.vstack([rng.poisson(0.25 * np.exp(0.6 * trouble)), contacts[:-1]])
        since = np.where(contacts[0] > 0, rng.integers(1, 30, customers), since + 30)
        alive = (joined < day) & (ends >= day)
        score = (
            0.5 * trouble
            + 0.6 * traits["attr_raised"]
            - 0.35 * np.log1p(np.maximum(day - joined, 0) / 365)
        )
        leaves = alive & (rng.random(customers) < 1 / (1 + np.exp(3.6 - score)))
        ends = np.where(leaves, day + rng.integers(0, 30, customers), ends)
        live = {
            "tenure_days": day - joined,
            "contacts_90d": contacts[:3].sum(axis=0),
            "contacts_120d": contacts.sum(axis=0),
            "days_since_contact": since,
            "wait_max_90d": np.where(contacts[0] > 0, rng.exponential(60, customers), np.nan),
            "latest_bill": traits["attr_usual_bill"] * rng.lognormal(0, 0.2, customers),
            "late_payments_365d": rng.poisson(0.3, customers),
            "noise": rng.normal(size=customers),
        }
        frame = pd.DataFrame({**live, **traits, "day": day, "customer_id": np.arange(customers)})
        frames.append(frame[alive])
    return _examples(pd.concat(frames, ignore_index=True), ends, (months - 4) * 30)


def _traits(rng: np.random.Generator, customers: int, joined: np.ndarray) -> dict[str, np.ndarray]:
    first = int(_START.astype(int))
    return {
        "attr_usual_bill": rng.lognormal(6, 0.5, customers),
        "attr_raised": (rng.random(customers) < 0.3).astype(float),
        "attr_region": rng.choice(["north", "south", "east"], customers),
        "attr_plan": rng.choice([f"plan {i}" for i in range(25)], customers),
        "attr_income": np.where(
            rng.random(customers) < 0.2, np.nan, rng.lognormal(3, 1, customers)
        ),
        "attr_kwh": rng.lognormal(9.6, 0.3, customers).round(),
        "attr_birth_year": rng.integers(1935, 2004, customers),
        "attr_joined_date": first + joined,
        "attr_meter_change_date": first + 1_100 + rng.integers(0, 900, customers),
        **{f"attr_other_{i}": rng.normal(size=customers) for i in range(6)},
    }


def _examples(frame: pd.DataFrame, ends: np.ndarray, matured: int) -> Examples:
    ahead = ends[frame["customer_id"]] - frame["day"]
    kept = (frame["day"] <= matured) & (ahead >= WINDOW.lead_days)
    frame, ahead = frame[kept].reset_index(drop=True), ahead[kept].to_numpy()
    names = [name for name in frame.columns if name not in ("day", "customer_id")]
    columns = [
        FeatureColumn(n, "category" if frame[n].dtype == "str" else "number", "x", "x", 0, n)
        for n in names
    ]
    frame["as_of"] = (_START + frame["day"].to_numpy()).astype("datetime64[D]")
    frame["customer_id"] = frame["customer_id"].map("{:06d}".format)
    frame["product_line"] = "power"
    label = (ahead < WINDOW.lead_days + WINDOW.horizon_days).astype(int)
    return Examples.build(frame, learn_spec(columns, frame), pd.Series(label))


@dataclass(frozen=True, slots=True)
class Company:
    """What a plant needs: per row the customer's number, per customer when it leaves (or -1)."""

    examples: Examples
    rng: np.random.Generator
    customer: np.ndarray
    left: np.ndarray
    end: np.ndarray
    last: int

    @staticmethod
    def of(examples: Examples, seed: int) -> "Company":
        rng = np.random.default_rng(seed)
        _, customer = np.unique(examples.customer_id.astype(str), return_inverse=True)
        day = examples.as_of.astype(int)
        latest = np.full(customer.max() + 1, -1)
        np.maximum.at(latest, customer[examples.y == 1], day[examples.y == 1])
        end = np.where(
            latest >= 0, latest + WINDOW.lead_days + rng.integers(0, 30, len(latest)), -1
        )
        last = int(day.max()) + WINDOW.lead_days + WINDOW.horizon_days
        return Company(examples, rng, customer, latest >= 0, end, last)

    def __len__(self) -> int:
        return len(self.left)

    def with_columns(self, **columns: np.ndarray) -> Examples:
        """The examples with more columns, by customer or by row; texts become categories."""
        spec, xs = list(self.examples.spec.columns), [self.examples.x]
        for name, given in columns.items():
            values = given if len(given) == len(self.customer) else given[self.customer]
            kind, vocabulary = "number", ()
            if values.dtype == object:
                vocabulary = tuple(sorted({v for v in values if v is not None}))
                values = pd.Index(vocabulary, dtype=object).get_indexer(pd.Index(values)) * 1.0
                kind, values = "category", np.where(values < 0, np.nan, values)
            spec.append(FeatureColumn(name, kind, "x", "x", 0, name, vocabulary))
            xs.append(values.astype(np.float32)[:, None])
        x = np.asfortranarray(np.hstack(xs))
        return replace(self.examples, x=x, spec=FeatureSpec(tuple(spec)))


Plant = Callable[[Company], Planted]


def _label_with_noise(spread: float) -> Plant:
    def plant(c: Company) -> Planted:
        noise = c.rng.normal(0, spread, len(c.customer))
        return Planted(c.with_columns(leaky=c.examples.y + noise), ("leaky",), ("knows_label",))

    return plant


def _exit_date(others: Callable[[Company], np.ndarray], written: str) -> Plant:
    def plant(c: Company) -> Planted:
        day = np.where(c.left, c.end, others(c))
        values = {"days": day, "seconds": day * 86_400.0, "yyyymmdd": _yyyymmdd(day)}[written]
        examples = c.with_columns(attr_changed=values)
        return Planted(examples, ("attr_changed",), ("after_as_of",))

    return plant


def _yyyymmdd(day: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(day), 0, day).astype("datetime64[D]")
    text = pd.Series(known).dt.strftime("%Y%m%d").astype(float).to_numpy()
    return np.where(np.isnan(day), np.nan, text)


def _past(c: Company) -> np.ndarray:
    return c.last - c.rng.integers(110, 900, len(c)) * 1.0


def _planned(c: Company) -> np.ndarray:
    return c.last + c.rng.integers(0, 700, len(c)) * 1.0


def _none(c: Company) -> np.ndarray:
    return np.full(len(c), np.nan)


def _time_since(c: Company) -> Planted:
    y = c.examples.y
    ahead, ago = c.rng.integers(1, 60, len(y)), c.rng.integers(1, 400, len(y))
    seen = (y == 1) & (c.rng.random(len(y)) < 0.2)
    examples = c.with_columns(days_since_call=np.where(seen, -ahead, ago))
    return Planted(examples, ("days_since_call",), ("after_as_of",))


def _only_leavers(share: float, *, text: bool, missing: bool) -> Plant:
    def plant(c: Company) -> Planted:
        marked = c.left & (c.rng.random(len(c)) < share)
        mark, other = (999.0, c.rng.integers(0, 500, len(c)) * 1.0)
        if text:
            mark, other = "closed", c.rng.choice(["gold", "silver"], len(c)).astype(object)
        nothing = None if text else np.nan
        values = np.where(marked, mark, nothing if missing else other)
        return Planted(c.with_columns(attr_state=values), ("attr_state",), ("leavers_only",))

    return plant


def _cleared(c: Company) -> Planted:
    cleared = c.left & (c.rng.random(len(c)) < 0.5)
    values = np.where(cleared, np.nan, c.rng.normal(size=len(c)))
    return Planted(c.with_columns(attr_limit=values), ("attr_limit",), ("leavers_only",))


def _last_use(c: Company) -> Planted:
    values = c.rng.lognormal(0, 0.7, len(c)) * np.where(c.left, 0.2, 1.0)
    return Planted(c.with_columns(attr_use=values), ("attr_use",), ("measured_at_exit",))


def _stopped_clock(c: Company) -> Planted:
    began = c.last - c.rng.integers(900, 2_000, len(c))
    values = (np.where(c.left, c.end, c.last) - began) * c.rng.lognormal(0, 0.1, len(c))
    kinds = ("measured_at_exit", "leavers_only")
    return Planted(c.with_columns(attr_age=values), ("attr_age",), kinds)


def _start_and_duration(c: Company) -> Planted:
    end = np.where(c.left, c.end, _planned(c))
    start = c.last - c.rng.integers(2_500, 6_000, len(c))
    names = ("attr_start + attr_duration",)
    return Planted(c.with_columns(attr_start=start, attr_duration=end - start), names, ("adds_up",))


def _tenure_and_total(c: Company) -> Planted:
    end = np.where(c.left, c.end, _planned(c))
    start = c.last - c.rng.integers(2_500, 6_000, len(c))
    so_far = c.examples.as_of.astype(int) - start[c.customer]
    names = ("attr_total - so_far", "so_far - attr_total")
    return Planted(c.with_columns(so_far=so_far, attr_total=end - start), names, ("adds_up",))


def _constant_sum(c: Company) -> Planted:
    y, rows = c.examples.y, len(c.customer)
    one = c.rng.uniform(100, 900, rows)
    other = np.where(y == 1, 1_000 - one + c.rng.normal(0, 5, rows), c.rng.uniform(100, 900, rows))
    return Planted(c.with_columns(one=one, other=other), ("one + other",), ("adds_up",))


def _closeness(c: Company) -> Planted:
    """Rises in the weeks before the notice, as a score that knows it would."""
    ahead = _days_ahead(c)
    near = np.where(ahead >= 0, np.exp(-np.maximum(ahead, 0) / 45), 0)
    examples = c.with_columns(closeness=near + c.rng.normal(0, 0.3, len(near)))
    return Planted(examples, ("closeness",), ("fades",))


def _next_contacts(c: Company) -> Planted:
    """Contacts of the month after the as-of date; those who leave call more before they do."""
    ahead = _days_ahead(c)
    days = np.clip(np.minimum(30, ahead) - np.maximum(0, ahead - 30), 0, 30) * (ahead >= 0)
    calls = c.rng.poisson(0.35 + 1.5 * days / 30) + ((ahead >= 0) & (ahead < 30))
    return Planted(c.with_columns(calls_ahead=calls * 1.0), ("calls_ahead",), ("fades",))


def _days_ahead(c: Company) -> np.ndarray:
    return np.where(c.left, c.end, 10**6)[c.customer] - c.examples.as_of.astype(int)


def _two_flags(c: Company) -> Planted:
    """Two flags of which one is set for leavers, nine times of ten."""
    one = c.rng.random(len(c.customer)) < 0.5
    told = (c.examples.y == 1) ^ (c.rng.random(len(c.customer)) < 0.1)
    examples = c.with_columns(flag=one * 1.0, other_flag=(one ^ told) * 1.0)
    return Planted(examples, ("flag & other_flag",), ("only_together",))


def _low_ids(c: Company) -> Planted:
    """Leavers get the lowest ids, nine times of ten."""
    draw = c.rng.random(len(c)) + np.where(c.left & (c.rng.random(len(c)) < 0.9), 0, 1)
    number = np.empty(len(c), dtype=int)
    number[np.argsort(draw)] = np.arange(1, len(c) + 1)
    return Planted(renamed(c.examples, number[c.customer]), ("customer_id",), ("id_order",))


def _ids_in_batches(c: Company) -> Planted:
    """Leavers were numbered in batches of twenty, spread over all numbers."""
    place = c.rng.permutation(len(c)) * 1.0
    gone = np.flatnonzero(c.left)
    place[gone] = np.repeat(c.rng.uniform(0, len(c), len(gone) // 20 + 1), 20)[: len(gone)]
    number = np.empty(len(c), dtype=int)
    number[np.argsort(place, kind="stable")] = np.arange(1, len(c) + 1)
    return Planted(renamed(c.examples, number[c.customer]), ("customer_id",), ("id_order",))


def renamed(examples: Examples, number: np.ndarray) -> Examples:
    """The same rows under other ids, in the order that the new ids give."""
    ids = pd.Series(number).astype(str).to_numpy(dtype=object)
    order = np.lexsort((examples.as_of, ids.astype(str)))
    moved = replace(examples, customer_id=ids)
    return moved.take(order)


PLANTS: dict[str, Plant] = {
    "label with little noise": _label_with_noise(0.3),
    "label with noise": _label_with_noise(0.7),
    "exit date, null for others": _exit_date(_none, "days"),
    "exit date among past dates": _exit_date(_past, "days"),
    "exit date among planned dates": _exit_date(_planned, "days"),
    "exit date as yyyymmdd": _exit_date(_past, "yyyymmdd"),
    "exit date as seconds": _exit_date(_past, "seconds"),
    "time since what lies ahead": _time_since,
    "a text for leavers, null for others": _only_leavers(0.6, text=True, missing=True),
    "a text only leavers have": _only_leavers(0.4, text=True, missing=False),
    "a number only leavers have": _only_leavers(0.4, text=False, missing=False),
    "a number for leavers, null for others": _only_leavers(0.6, text=False, missing=True),
    "null only for leavers": _cleared,
    "use measured at exit": _last_use,
    "start and duration": _start_and_duration,
    "so far and in total": _tenure_and_total,
    "a constant sum": _constant_sum,
    "leavers numbered first": _low_ids,
    "leavers numbered in batches": _ids_in_batches,
    "a closeness to the notice": _closeness,
    "the next month's contacts": _next_contacts,
    "two flags' XOR": _two_flags,
}
LONG_PLANTS: dict[str, Plant] = {"a clock that stops at exit": _stopped_clock}


def planted(examples: Examples, seed: int, *, long: bool = False) -> Iterator[tuple[str, Planted]]:
    """Every plant in turn; with ``long`` also those that need many as-of dates to be seen."""
    plants = {**PLANTS, **LONG_PLANTS} if long else PLANTS
    for number, (name, plant) in enumerate(plants.items()):
        yield name, plant(Company.of(examples, 100 * seed + number))


def customers_by_outcome(examples: Examples) -> np.ndarray:
    """The ids as a file has them in which leavers come first."""
    ids, at = np.unique(examples.customer_id.astype(str), return_inverse=True)
    left = np.bincount(at, weights=examples.y) > 0
    return np.concatenate([ids[left], ids[~left]]).astype(object)
