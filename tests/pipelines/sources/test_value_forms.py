"""How values are written: every form reads back as what was meant, or is refused and named."""

import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from features.contract import TABLES, Column
from features.errors import ContractError
from pipelines.config.sections import Engine
from pipelines.config.sources import Dialect
from pipelines.runtime.duckdb_connection import connect, literal
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.forms import Forms
from pipelines.sources.parsing import read

FORMS = Forms(Dialect(decimal=",", thousands=" "), "UTC", "UTC", "major", currency="NOK")
WAIT = TABLES["contacts"].column("wait_seconds")
INVOICES = "invoice_id;customer_id;issued_on;amount;corrects_invoice_id\n"
STORES = {"BIGINT": range(-(2**63), 2**63), "UBIGINT": range(2**64), "UTINYINT": range(256)}
SPACES = " \u00a0\u202f\u2009"
MINUSES = "-\u2212\u2013\u2010\uff0d"


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Read written values as a column: what each becomes."""
    with connect(Engine(threads=1), tmp_path_factory.mktemp("spill")) as connection:

        def convert(written, column, forms=FORMS, stored="VARCHAR", **how):
            column = Column("x", "", column) if isinstance(column, str) else column
            raws = ", ".join(literal(w) if stored == "VARCHAR" else w for w in written)
            found = read("r", "p", column, stored, forms, **how)
            rows = connection.execute(
                f"select {found.value} from (select *, {found.parsed} as p "
                f"from (select unnest([{raws}]) as r))"
            ).fetchall()
            return [value for (value,) in rows]

        yield convert


@pytest.fixture
def take(company, tmp_path):
    def run(files, sources, **sections):
        return take_snapshot(company(files, sources, **sections), tmp_path / "snapshot")

    return run


def table(snapshot, name, columns):
    return duckdb.execute(
        f"select {columns} from '{snapshot.path(name, 0)}' order by all"
    ).fetchall()


AMOUNTS = st.tuples(
    st.integers(-(10**13), 10**13),
    st.sampled_from(SPACES),
    st.sampled_from(MINUSES),
    st.sampled_from(
        ["{m}{n}", "{n}{m}", "({n})", "{m} {n}", "kr {m}{n}", "{m}kr {n}", "{m}{n} NOK"]
    ),
    st.sampled_from(["always", "short", "dash"]),
)


@settings(max_examples=25)
@example([(-4882812500, " ", "-", "({n})", "dash")], ".", "")
@given(
    st.lists(AMOUNTS, min_size=1, max_size=50),
    st.sampled_from(".,"),
    st.sampled_from(["", " ", "'", "_", ".", ","]),
)
def test_money_written_in_any_dialect_reads_back_the_same(values, amounts, decimal, thousands):
    thousands = "" if thousands == decimal else thousands
    meant, written = [], []
    for minor, space, minus, place, cents in amounts:
        whole, rest = divmod(abs(minor), 100)
        number = f"{whole:,}".replace(",", space if thousands == " " else thousands)
        if cents == "always" or rest:
            number += f"{decimal}{rest:02}"
        elif cents == "dash":
            number += f"{decimal}-"
        if minor >= 0:
            written.append(place.format(m="", n=number).strip("()"))
        else:
            written.append(place.format(m=minus, n=number))
        # A dash for no cents and a minus after it is nobody's form.
        twice = number.endswith("-") and minor < 0 and place == "{n}{m}"
        meant.append(None if twice else minor)
    forms = replace(FORMS, dialect=Dialect(decimal=decimal, thousands=thousands))
    assert dict(zip(written, values(written, "money", forms), strict=True)) == dict(
        zip(written, meant, strict=True)
    )


@settings(max_examples=25)
@given(st.lists(st.decimals(-(10**9), 10**9, places=6), min_size=1, max_size=50))
def test_prices_written_and_read_are_the_same_to_the_last_digit(values, prices):
    found = values([f"{price:f}".replace(".", ",") for price in prices], "price")
    assert all(isinstance(price, Decimal) for price in found)
    assert found == prices


@settings(max_examples=40)
@given(
    st.lists(
        st.text(alphabet="0123456789 ,.-+eE'()kr\u2212\u00a0", max_size=12), min_size=1, max_size=50
    ),
    st.sampled_from([",", "."]),
    st.sampled_from(["", " ", "'", "_"]),
    st.sampled_from(["money", "price", "number", "integer"]),
)
def test_whatever_is_written_is_read_in_the_declared_form_or_not_at_all(
    values, texts, decimal, thousands, column
):
    forms = replace(FORMS, dialect=Dialect(decimal=decimal, thousands=thousands))
    for written, found in zip(texts, values(texts, column, forms), strict=True):
        if found is None:
            continue
        bare = written.replace("\u2212", "-").replace("\u00a0", " ").strip()
        bare = bare.removeprefix("kr").strip().removesuffix("kr").strip()
        negative = "-" in re.sub(r"[,.:]-$", "", bare.lower().partition("e")[0]) or "(" in bare
        digits = bare.strip("()+- kr.").rstrip(".,")
        for sign in (thousands, " "):
            digits = digits.replace(sign, "") if sign else digits
        meant = abs(Decimal(digits.replace(decimal, "."))) * (100 if column == "money" else 1)
        near = 0.5 if column == "money" else 1e-6
        assert abs(float(found)) == pytest.approx(float(meant), abs=near)
        assert (found < 0) == (negative and found != 0), written


def test_other_forms_and_other_currencies_are_not_read(values):
    written = ["1,234.50", "1.234,50", "1 234.50", "12 34,5", "--5", "-5-", "(-5)", "(5", "5)"]
    written += ["€ 5", "5 EUR", "5 kr kr", "kr", "-", ""]
    assert [
        w for w, v in zip(written, values(written, "money"), strict=True) if v is not None
    ] == []


def test_an_exponent_is_read_in_a_number_and_not_in_money(values):
    for column, meant in (("number", 1500), ("money", None), ("price", None)):
        assert values(["1,5E+3"], column) == [meant]


def invoices(amounts, **more):
    rows = "".join(f"i{n};1;2024-01-01;{v};x\n" for n, v in enumerate(amounts))
    return {"i.csv": INVOICES + rows}, {
        "invoices": {
            "path": "i.csv",
            "money_unit": "major",
            **more,
            "dialect": {"delimiter": ";", **more.get("dialect", {})},
        }
    }


@pytest.mark.parametrize(
    ("amounts", "dialect", "read_as"),
    [
        (["990", "995", "998", "1.005"], {}, None),
        (["990", "1,005"], {"decimal": ","}, None),
        (["990", "1.005"], {"decimal": ",", "thousands": "."}, [99_000, 100_500]),
        (["990", "1.005"], {"thousands": ","}, [101, 99_000]),
        (["990.25", "12345.678"], {}, [99_025, 1_234_568]),
        (["990.25", "0.005"], {}, [1, 99_025]),
    ],
)
def test_three_decimals_of_money_may_be_thousands_and_are_refused(take, amounts, dialect, read_as):
    files, sources = invoices(amounts, dialect=dialect)
    if read_as is not None:
        assert table(take(files, sources), "invoices", "amount") == [(v,) for v in read_as]
        return
    with pytest.raises(ContractError) as caught:
        take(files, sources)
    said = str(caught.value)
    assert "invoices: 'amount' (for amount) has no fraction but of three digits" in said
    assert f"i.csv rows {len(amounts) + 1}. If" in said
    assert "declare sources.invoices.dialect: {decimal: " in said


@pytest.mark.parametrize(
    ("amounts", "dialect", "read_as"),
    [
        ([990.0, 998.0, 1.005], {}, None),
        ([990.0, 1.005], {"thousands": ","}, [101, 99_000]),
        ([19.99, 28.985], {}, [1_999, 2_899]),
        ([990.0, 0.125], {}, [13, 99_000]),
    ],
)
def test_floats_of_three_decimals_may_be_thousands_that_another_program_read(
    take, amounts, dialect, read_as
):
    days = [f"2024-05-{n:02}" for n in range(1, len(amounts) + 1)]
    rows = pa.table(
        {"invoice_id": days, "customer_id": ["1"] * len(days), "issued_on": days, "amount": amounts}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    files = {"i.parquet": sink.getvalue().to_pybytes()}
    sources = {"invoices": {"path": "i.parquet", "money_unit": "major", "dialect": dialect}}
    if read_as is None:
        with pytest.raises(ContractError, match=r"has read 1\.005 for 1005: 1 rows"):
            take(files, sources)
        return
    assert table(take(files, sources), "invoices", "amount") == [(v,) for v in read_as]


@pytest.mark.parametrize(
    ("prices", "accepted"),
    [
        (["299", "1.299"], False),
        (["0.895", "1.125"], True),
        (["1.125", "99.5"], True),
        (["1.125", "12.3456"], True),
        (["399.00", "1.299"], True),
    ],
)
def test_prices_of_three_decimals_are_read_where_another_fraction_shows_the_decimal_sign(
    take, prices, accepted
):
    rows = "".join(f"electricity,2024-{n:02}-01,{p}\n" for n, p in enumerate(prices, 1))
    files = {"m.csv": "product_line,month,price\n" + rows}
    sources = {"market_price": {"path": "m.csv"}}
    if not accepted:
        with pytest.raises(ContractError, match="no fraction but of three digits"):
            take(files, sources)
        return
    snapshot = take(files, sources)
    assert snapshot.tables["market_price"].quarantined == {}
    found = duckdb.execute(
        f"select price from '{snapshot.path('market_price', 0)}' order by month"
    ).fetchall()
    assert [price for (price,) in found] == [Decimal(price) for price in prices]


def test_a_form_of_value_that_is_lost_is_told_apart_from_rows_here_and_there(take):
    good = [str(n) for n in range(400)]
    for bad, told in ((["5 EUR"] * 12, True), (["x", "1..2", "?", "5 EUR"] * 3, False)):
        files, sources = invoices(good + bad)
        facts = take(files, sources).tables["invoices"]
        assert facts.quarantined == {"amount: unreadable": 12}
        assert ("amount: unreadable" in facts.lost_forms) == told
    files, sources = invoices(good + ["5 EUR", "17 EUR"] * 6)
    form = take(files, sources).tables["invoices"].lost_forms["amount: unreadable"]
    assert form == "written like '9 a'; declared: decimal '.' and thousands ''"


@pytest.mark.parametrize(
    ("written", "duration", "seconds"),
    [
        ("205", None, 205),
        ("00:03:25", None, 205),
        ("0:03:25.4", None, 205),
        ("100:00:01", None, 360_001),
        ("PT3M25S", None, 205),
        ("PT1H", None, 3600),
        ("P1DT1S", None, 86_401),
        ("03:25", None, None),
        ("03:25", "mm:ss", 205),
        ("03:25", "hh:mm", 12_300),
        ("00:03:25", "mm:ss", 205),
        ("0,002372685", "days", 205),
        ("2,372685E-3", "days", 205),
        ("205 400", "milliseconds", 205),
        ("3,5", "minutes", 210),
        ("P", None, None),
        ("PT", None, None),
        ("00:61:00", None, None),
        ("205,4", None, None),
    ],
)
def test_seconds_are_read_from_clock_times_and_declared_units(values, written, duration, seconds):
    assert values([written], WAIT, duration=duration) == [seconds]


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=50),
    st.sampled_from(["{h}:{m:02}:{s:02}", "PT{h}H{m}M{s}S", "{t}"]),
)
def test_a_duration_written_and_read_is_the_same(values, totals, form):
    written = [form.format(h=t // 3600, m=t // 60 % 60, s=t % 60, t=t) for t in totals]
    assert values(written, WAIT) == totals


@settings(max_examples=60)
@example(10**18 - 1, "integer", "minor", "HUGEINT")
@example(-(10**18), "integer", "minor", "BIGINT")
@example((2**63 - 1) // 100, "money", "major", "BIGINT")
@example(-(2**63 - 1) // 100, "money", "major", "BIGINT")
@example(255, "money", "major", "UTINYINT")
@given(
    st.integers(-(10**20), 10**20) | st.integers(-(10**17), 10**17),
    st.sampled_from(["money", "integer"]),
    st.sampled_from(["major", "minor"]),
    st.sampled_from(["BIGINT", "HUGEINT", "UBIGINT", "DECIMAL(38,0)", "VARCHAR"]),
)
def test_a_whole_number_is_the_same_however_it_is_stored(values, number, kind, unit, stored):
    assume(stored not in STORES or number in STORES[stored])
    by = 100 if (kind, unit) == ("money", "major") else 1
    fits = abs(number) < 10**18 and abs(number * by) < 2**63
    written = f"{number}" if stored == "VARCHAR" else f"'{number}'::{stored}"
    forms = replace(FORMS, money_unit=unit)
    assert values([written], kind, forms, stored=stored) == [number * by if fits else None]


@pytest.mark.parametrize(
    ("sql", "stored"),
    [
        ("interval '3 minutes 25 seconds'", "INTERVAL"),
        ("time '00:03:25'", "TIME"),
        ("205", "BIGINT"),
        ("205.0::double", "DOUBLE"),
    ],
)
def test_seconds_are_read_from_typed_values(values, sql, stored):
    assert values([sql], WAIT, stored=stored) == [205]


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)]
)
def test_a_duration_in_parquet_is_seconds_whatever_its_unit(take, unit, factor):
    content = parquet(
        contact_id=["a", "b"],
        customer_id=["1", "1"],
        started_at=pa.array([0, 0], pa.timestamp("s")).cast(pa.timestamp("us")),
        wait_seconds=pa.array([205 * factor, None], pa.duration(unit)),
    )
    snapshot = take({"c.parquet": content}, {"contacts": {"path": "c.parquet"}})
    assert table(snapshot, "contacts", "wait_seconds") == [(205,), (None,)]


def test_nan_in_parquet_is_null_whatever_the_file_says_of_its_greatest_value(take):
    content = parquet(
        invoice_id=["a", "b", "c"],
        customer_id=["1"] * 3,
        issued_on=["2024-01-01"] * 3,
        amount=[5, 5, 5],
        corrects_invoice_id=[1.0, 7e6, float("nan")],
    )
    snapshot = take({"i.parquet": content}, {"invoices": {"path": "i.parquet"}})
    assert table(snapshot, "invoices", "corrects_invoice_id") == [("1",), ("7000000",), (None,)]


@pytest.mark.parametrize("written", ["4.1E+11", "4,1E+11", "4E+11", "4.1e11", "7.070575e+16"])
def test_ids_in_exponent_form_refuse_their_table(take, written):
    good = "".join(f"{n}\n" for n in range(100))
    with pytest.raises(ContractError) as caught:
        take({"customers.csv": f'customer_id\n{good}"{written}"\n'}, None)
    said = str(caught.value)
    assert "customers: 'customer_id' (for customer_id) is written as a floating-point" in said
    assert "1 rows, first in " in said
    assert "customers.csv rows 102. Export it as text" in said


def test_ids_that_only_look_like_numbers_stay_as_they_are(take):
    ids = ["12E4", "1e5", "007", "A.0", "4.10", "NO-4+7", "12345.0", "1.5E"]
    snapshot = take({"customers.csv": "customer_id\n" + "\n".join(ids) + "\n"}, None)
    meant = [each.removesuffix(".0") if each == "12345.0" else each for each in ids]
    assert table(snapshot, "customers", "customer_id") == [(each,) for each in sorted(meant)]
