import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from leaky import (
    LONG_PLANTS,
    PLANTS,
    WINDOW,
    Company,
    Planted,
    customers_by_outcome,
    honest,
)
from sklearn.metrics import roc_auc_score

from features.timeline import LabelWindow
from models.dataset.examples import Examples
from models.leaks.exclusive_values import range_of_leavers, value_of_leavers
from models.leaks.future_dates import after_as_of
from models.leaks.row_order import id_order
from models.leaks.rows import Binned, Leak, LeakRows, area, bins_of, error, limit
from models.leaks.search import find_leaks, ranked
from models.leaks.single_column import Edge
from models.leaks.verdict import (
    leak_warning,
    refusal,
    single_feature_auc,
)

SEEN_AT_ONE_DATE = {
    *(name for name in PLANTS if name.startswith(("exit date", "start and", "leavers numb"))),
    "label with little noise",
    "a constant sum",
    "a text only leavers have",
    "null only for leavers",
    "use measured at exit",
    "two flags' XOR",
}


@pytest.fixture(scope="module")
def companies() -> list[Examples]:
    return [honest(seed) for seed in range(10)]


@pytest.fixture(scope="module")
def latest() -> Examples:
    """The newest as-of date of a larger company."""
    examples = honest(0, customers=4_000, months=12)
    return examples.take(examples.as_of == examples.as_of.max())


def refused(examples: Examples, filed: np.ndarray | None = None) -> list[Leak]:
    return [f for f in find_leaks(examples, WINDOW, filed) if f.refuses]


def found(planted: Planted) -> bool:
    """Whether the offender is named, by a kind that fits, and nothing else is refused."""
    told = refused(planted.examples)
    assert all(any(f.column in name for name in planted.names) for f in told), told
    return any(f.column in planted.names and f.kind in planted.kinds for f in told)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_leak_is_found_and_named(name: str, companies: list[Examples]) -> None:
    assert found(PLANTS[name](Company.of(companies[0], 0)))


@pytest.mark.parametrize("name", sorted(SEEN_AT_ONE_DATE))
def test_one_as_of_date_is_enough(name: str, latest: Examples) -> None:
    assert len(np.unique(latest.as_of)) == 1
    assert found(PLANTS[name](Company.of(latest, 0)))


@pytest.mark.parametrize("name", LONG_PLANTS)
def test_a_clock_that_stopped_at_exit_shows_over_three_years(name: str) -> None:
    assert found(LONG_PLANTS[name](Company.of(honest(0, months=36), 0)))


def test_a_file_in_the_order_of_outcomes_is_found(companies: list[Examples]) -> None:
    (told,) = refused(companies[0], customers_by_outcome(companies[0]))
    assert (told.kind, told.column) == ("row_order", "row_order")
    assert told.evidence["auc"] > 0.95
    shuffled = np.random.default_rng(0).permutation(np.unique(companies[0].customer_id))
    assert not refused(companies[0], shuffled)


def test_a_file_in_the_order_of_ids_is_told_once(companies: list[Examples]) -> None:
    low = PLANTS["leavers numbered first"](Company.of(companies[0], 0)).examples
    filed = pd.unique(low.customer_id)[np.argsort(pd.unique(low.customer_id).astype(int))]
    assert [f.kind for f in refused(low, filed)] == ["id_order"]


def test_ten_clean_companies_raise_no_alarm(companies: list[Examples]) -> None:
    assert [refused(examples) for examples in companies] == [[]] * 10


@pytest.mark.promise("leaks")
@pytest.mark.proof
def test_fifty_clean_companies_raise_at_most_one_alarm() -> None:
    assert sum(bool(refused(honest(seed))) for seed in range(50)) <= 1


@pytest.mark.promise("leaks")
@pytest.mark.proof
def test_every_plant_is_found_in_ten_companies() -> None:
    for seed in range(10):
        examples = honest(seed, months=36)
        for name, plant in {**PLANTS, **LONG_PLANTS}.items():
            assert found(plant(Company.of(examples, seed))), (name, seed)


def test_a_planned_date_that_tells_nothing_is_only_noted(companies: list[Examples]) -> None:
    (note,) = find_leaks(companies[0], WINDOW)
    assert (note.kind, note.column) == ("after_as_of", "attr_meter_change_date")
    assert not note.refuses


def test_a_strong_but_honest_column_is_no_leak(companies: list[Examples]) -> None:
    """Trouble with a memory: it ranks well, and no worse just outside the label window."""
    c = Company.of(companies[0], 0)
    ahead = np.where(c.left, c.end, c.last + 200)[c.customer] - c.examples.as_of.astype(int)
    values = c.rng.normal(0, 1, len(ahead)) + 1.4 * np.exp(-np.maximum(ahead, 0) / 150)
    examples = c.with_columns(trouble=values)
    rows = LeakRows.of(examples, len(examples))
    assert 0.65 < Binned.of(rows, bins_of(examples.x[:, -1], category=False)).auc() < 0.75
    assert not refused(examples)


def alone(c: Company, stayers: list[float], codes: list[float]) -> tuple[bool, bool]:
    """Whether a count that leavers have four values of is suspected by value and by range."""
    leavers, y = [0.5, 0.25, 0.15, 0.1], c.examples.y
    drawn = (c.rng.choice(codes, len(y), p=p) for p in (leavers, stayers))
    examples = c.with_columns(cases=np.where(y == 1, *drawn))
    rows, values = LeakRows.of(examples, len(examples)), examples.x[:, -1]
    code = np.searchsorted(np.array(codes, np.float32), values)
    column = examples.spec.columns[-1]
    return (
        value_of_leavers(rows, values, column, fixed=False) is not None,
        range_of_leavers(rows, values, code, "cases", fixed=False) is not None,
    )


def test_the_top_of_a_slope_is_no_leak_and_a_value_that_stands_alone_is(
    companies: list[Examples],
) -> None:
    slope, flat = [0.84, 0.14, 0.0196, 0.0004], [0.5, 0.25, 0.2496, 0.0004]
    counts, code = [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 999.0]
    for examples in companies[:3]:
        c = Company.of(examples, 0)
        assert alone(c, slope, counts) == (False, False)
        assert alone(c, flat, counts) == (True, True)
        assert alone(c, slope, code) == (True, True)


def test_minus_one_for_never_is_no_date(companies: list[Examples]) -> None:
    c = Company.of(companies[0], 0)
    never = np.where(c.rng.random(len(c)) < 0.5, -1, c.rng.integers(1, 99, len(c)))
    assert not refused(c.with_columns(days_since_visit=never))


def test_a_few_sites_of_one_company_may_leave_together(companies: list[Examples]) -> None:
    c = Company.of(companies[0], 0)
    use = c.rng.lognormal(8, 1, len(c))
    use[np.flatnonzero(c.left)[:12]] = 4_711
    assert not refused(c.with_columns(attr_use=use))


def test_nothing_is_found_without_leavers(companies: list[Examples]) -> None:
    stayed = companies[0].take(companies[0].y == 0)
    assert find_leaks(stayed, WINDOW) == ()


def test_columns_without_any_value_do_no_harm(companies: list[Examples]) -> None:
    c = Company.of(companies[0], 0)
    nothing = np.full(len(c), np.nan)
    text = np.array([None] * len(c), dtype=object)
    assert not refused(c.with_columns(days_since_a=nothing, b_date=nothing, c=nothing, d=text))


def test_refusing_findings_come_first(companies: list[Examples]) -> None:
    planted = PLANTS["label with noise"](Company.of(companies[0], 0))
    flags = [f.refuses for f in find_leaks(planted.examples, WINDOW)]
    assert flags == [True, False]


def test_a_share_of_the_customers_is_enough(companies: list[Examples]) -> None:
    planted = PLANTS["label with little noise"](Company.of(companies[0], 0))
    most = len(planted.examples) // 2
    assert LeakRows.of(planted.examples, most).examples.x.shape[0] < 0.6 * len(planted.examples)
    told = find_leaks(planted.examples, WINDOW, most=most)
    assert [f.column for f in told if f.refuses] == ["leaky"]


def test_area_equals_the_auc_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    rank, y = rng.integers(0, 6, 300), rng.random(300) < 0.3
    counts = [np.bincount(rank[mask], minlength=6)[None].astype(float) for mask in (y, ~y)]
    assert area(counts[0], counts[1]) == pytest.approx(roc_auc_score(y, rank))


def test_strata_are_compared_within_themselves() -> None:
    positive = np.array([[1.0, 0.0], [0.0, 1.0]])
    negative = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert area(positive, negative) == 0.5
    assert np.isnan(area(positive, np.zeros((2, 2))))


def test_a_useless_column_reaches_one_half_within_its_error() -> None:
    rng = np.random.default_rng(1)
    examples = honest(3)
    rows = LeakRows.of(examples, len(examples))
    draws = [
        Binned.of(rows, bins_of(rng.normal(size=len(rows.y)).astype("float32"), category=False))
        for _ in range(40)
    ]
    z = (np.array([each.auc() for each in draws]) - 0.5) / error(0.5, rows.leavers, rows.stayers)
    assert abs(z.mean()) < 0.5
    assert np.abs(z).max() < limit(40)


def test_bins_keep_missing_and_categories_apart() -> None:
    codes = bins_of(np.array([2, np.nan, 0, 2], dtype=np.float32), category=True)
    assert codes.tolist() == [2, 3, 0, 2]
    numbers = bins_of(np.array([5, np.nan, 1, 5], dtype=np.float32), category=False)
    assert numbers[0] == numbers[3] > numbers[2]
    assert numbers[1] > numbers[0]


def history(labels: list[list[int]]) -> Examples:
    """Customers a, b, … with one label a month from January 2024."""
    company = honest(0, customers=60, months=8)
    count = sum(map(len, labels))
    months = [date(2024, m + 1, 1) for rows in labels for m in range(len(rows))]
    ids = [chr(97 + i) for i, rows in enumerate(labels) for _ in rows]
    base = company.take(np.arange(count))
    return Examples(
        np.array(ids, dtype=object),
        np.array(months, dtype="datetime64[D]"),
        base.product_line,
        base.x,
        np.array([y for rows in labels for y in rows], dtype=np.int8),
        base.spec,
        base.margin,
        base.asleep,
    )


def test_the_edge_by_hand() -> None:
    # a enters in month 3; b is in from the start; c enters at its second month and is gone
    rows = LeakRows.of(history([[0, 0, 0, 1, 1, 1], [1, 1], [0, 1], [0, 0]]), 99)
    edge = Edge.of(rows, WINDOW)
    assert edge is not None
    assert edge.farther.tolist() == [1]
    assert edge.outside.tolist() == [2, 8]
    assert edge.inside.tolist() == [3, 9]
    assert edge.nearer.tolist() == [4]


def test_a_window_of_one_step_has_no_edge_to_see() -> None:
    rows = LeakRows.of(history([[0, 0, 1], [0, 0, 0]]), 99)
    assert Edge.of(rows, LabelWindow(0, 30)) is None
    assert Edge.of(LeakRows.of(history([[1], [0]]), 99), WINDOW) is None


def test_customers_are_counted_once() -> None:
    rows = LeakRows.of(history([[0, 0, 1], [0, 0], [1]]), 99)
    assert (rows.leavers, rows.stayers) == (2, 1)
    seen = np.array([True, True, True, False, True, False])
    assert rows.customers_with(seen) == (2, 1)
    assert rows.customers_with(seen, rows.y == 1) == (2, 0)
    assert rows.left.tolist() == [True] * 3 + [False] * 2 + [True]


def test_ids_are_ordered_as_numbers() -> None:
    assert id_order(np.array(["10", "9", "K-2", "100"], dtype=object)).tolist() == [1, 0, 3, 2]


@pytest.mark.parametrize(
    ("name", "written", "ahead"),
    [
        ("renewed", lambda day: day.astype(float), 5.0),
        ("x", lambda day: day * 86_400.0, 5.0),
        ("x", lambda day: day * 86_400_000.0, 5.0),
        ("x", lambda day: np.full(len(day), 20240106.0), None),
    ],
)
def test_dates_are_read_however_they_are_written(name: str, written, ahead: float | None) -> None:
    rows = LeakRows.of(history([[0, 0, 1]] * 2 + [[0, 0, 0]] * 4), 99)
    day = rows.examples.as_of.astype(int) + 5
    told = after_as_of(rows, written(day).astype(np.float32), name)
    assert told is not None
    assert told.evidence["customers"] == 6
    if ahead is not None:
        assert told.evidence["furthest_days"] == pytest.approx(ahead, abs=0.01 * ahead + 0.2)


def test_amounts_are_no_dates() -> None:
    rows = LeakRows.of(history([[0, 0, 1]] * 2 + [[0, 0, 0]] * 4), 99)
    amounts = np.random.default_rng(0).lognormal(9.7, 0.6, len(rows.y)).round()
    assert after_as_of(rows, amounts.astype(np.float32), "attr_kwh") is None


FINDINGS = (
    Leak("knows_label", "a", {"auc": 0.9}, "a knows"),
    Leak("leavers_only", "b", {"auc": 0.6, "leavers": 9}, "b is for leavers"),
    Leak("row_order", "row_order", {"auc": 0.5, "clumping": 1.0}, "leavers come first"),
    Leak("id_order", "customer_id", {"auc": 0.6}, "a note", refuses=False),
)


def test_findings_are_told_by_strength_with_their_keys_and_what_to_do() -> None:
    told = refusal(ranked(FINDINGS), {}, "out/leaks.json")
    assert told is not None
    assert told.splitlines()[:4] == [
        "3 findings say that the answer is given away, the strongest first:",
        "- leavers come first (AUC 1.00; key 'row_order')",
        "- a knows (AUC 0.90; key 'a')",
        "- b is for leavers (AUC 0.60; key 'b')",
    ]
    for said in ("training.leak_override", "dropped:", "in an order", "All findings: out/leaks.j"):
        assert said in told
    assert "single_date" not in told


def test_an_override_lets_each_kind_through_by_its_key() -> None:
    reasons = {"a": "a planned date", "row_order": "sorted by region"}
    told = refusal(FINDINGS, reasons, "leaks.json")
    assert told is not None
    assert told.startswith("The answer is given away:\n- b is for leavers")
    assert refusal(FINDINGS, reasons | {"b": "sites of one company"}, "leaks.json") is None
    assert refusal(FINDINGS[3:], {}, "leaks.json") is None


def test_many_findings_are_told_in_part() -> None:
    told = refusal([FINDINGS[0]] * 9, {}, "out/leaks.json")
    assert told is not None
    assert "- and 4 more\n" in told


def test_one_key_answers_for_undated_columns_and_for_nothing_else(latest: Examples) -> None:
    """Two honest counts that foretell leaving well, and a date of leaving, at one as-of date."""
    c = Company.of(latest, 0)
    two = {f"attr_use_{n}": c.rng.normal(2.0 * c.left, 1.0) for n in (1, 2)}
    told = find_leaks(c.with_columns(**two), WINDOW)
    undated = {f.column: f.undated for f in told if f.refuses}
    assert undated == dict.fromkeys(two, True)
    message = refusal(told, {}, "leaks.json")
    assert message is not None
    assert "single_date: how and when they were counted. At risk: " in message
    reasons = {"single_date": "counted in the year before"}
    assert refusal(told, reasons, "leaks.json") is None
    dated = PLANTS["exit date, null for others"](Company.of(latest, 0))
    assert refusal(find_leaks(dated.examples, WINDOW), reasons, "leaks.json") is not None


def test_a_column_is_told_by_its_strongest_evidence(latest: Examples) -> None:
    """A score that repeats for 29 leavers, and that ranks all of them."""
    c = Company.of(latest, 0)
    score = np.where(c.left, 0.9, 0.1) + c.rng.uniform(0, 0.09, len(c))
    score[np.flatnonzero(c.left)[:29]] = 0.99452
    (told,) = refused(c.with_columns(attr_score=score))
    assert (told.kind, told.column) == ("measured_at_exit", "attr_score")
    assert told.strength > 0.99


def columns(n: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Noise; the label with noise; a category whose middle code leaks; a date null for stayers."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.3).astype(np.int8)
    middle = np.where(y == 1, 1, rng.choice([0, 2], n))
    null = np.where(y == 1, rng.random(n), np.nan)
    x = np.column_stack([rng.normal(size=n), y + rng.normal(size=n) * 0.2, middle, null])
    return x.astype(np.float32), y


def test_no_warning_at_or_below_the_alarm() -> None:
    x, y = columns()
    assert leak_warning(0.85, 0.85, x, y, ["a", "b", "c", "d"]) is None


def test_a_warning_names_the_planted_leaks() -> None:
    x, y = columns()
    found = leak_warning(0.95, 0.85, x, y, ["noise", "label", "code", "null"])
    assert found is not None
    assert "AUC 0.950" in found
    *leaks, noise = re.findall(r"(\w+) \((\d\.\d\d)\)", found)
    assert {name for name, _ in leaks} == {"label", "code", "null"}
    assert min(float(auc) for _, auc in leaks) > 0.99
    assert noise[0] == "noise"


@pytest.mark.parametrize("single_date", [False, True])
def test_the_warning_names_the_key_that_lets_an_honest_model_through(single_date: bool) -> None:
    x, y = columns()
    names = ["a", "b", "c", "d"]
    found = leak_warning(0.95, 0.85, x, y, names, single_date=single_date)
    assert found is not None
    assert ("training.leak_override: single_date" in found) is single_date
    assert ("training.auc_alarm" in found) is not single_date


@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_noise_alone_reaches_little(missing: float) -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(4_000) < missing, np.nan, rng.normal(size=4_000))
    y = (rng.random(4_000) < 0.3).astype(np.int8)
    assert 0.5 <= single_feature_auc(values.astype(np.float32), y) < 0.6


def test_single_feature_auc_by_hand() -> None:
    # rates: 0 → 1/2, 1 → 0, missing → 1; pairs won by leavers: (0.5 + 1) + (1 + 1) of 4
    values = np.array([0, 0, 1, np.nan], dtype=np.float32)
    y = np.array([1, 0, 0, 1], dtype=np.int8)
    assert single_feature_auc(values, y) == pytest.approx(3.5 / 4)
