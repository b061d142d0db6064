"""Values and dates that cannot be: each rule on rows that a person can check by eye."""

from datetime import date

import pytest

from features.errors import ConfigError, ContractError
from pipelines.snapshots.gate_measures import PreviousTables, measures
from pipelines.snapshots.profiling import OrderCount
from pipelines.snapshots.snapshot import take_snapshot

JOINED = "customer_id,joined_on\na,2020-01-01\nb,2022-05-05\nc,\n"
CONTRACTS = "contract_id,customer_id,product_line,started_on\n" + (
    "ka,a,insurance,2020-01-01\nkb,b,insurance,2022-05-05\nkb2,b,insurance,2022-05-05\n"
)
ENDS = "contract_id,customer_id,notified_on,effective_on,outcome\n" + (
    "ka,a,2023-01-10,2023-01-31,voluntary\nkb,b,2022-04-01,2022-04-30,voluntary\n"
)


@pytest.fixture
def take(company, tmp_path):
    def run(files, sources=None, **sections):
        given = {"customers": {}, **{name: {} for name in files}, **(sources or {})}
        named = {name: {"path": f"{name}.csv", **source} for name, source in given.items()}
        contents = {"customers.csv": JOINED, **{f"{n}.csv": text for n, text in files.items()}}
        return take_snapshot(company(contents, named, **sections), tmp_path / "snapshot").tables

    return run


def orders(tables, name):
    return dict(tables[name].profile.orders)


IN_ANY_SHARDS = pytest.mark.parametrize("engine", [{}, {"shard_size": 1}], ids=["one", "many"])


@IN_ANY_SHARDS
def test_a_contract_cannot_end_before_it_starts_nor_a_claim_come_after_the_last_end(take, engine):
    claims = "claim_id,customer_id,claimed_on\n" + (
        "1,a,2023-01-31\n2,a,2023-02-01\n3,b,2024-01-01\n4,b,2022-05-04\n5,c,2020-01-01\n"
    )
    files = {"contracts": CONTRACTS, "terminations": ENDS, "claims": claims}
    tables = take(files, engine=engine)
    assert orders(tables, "terminations") == {
        "effective_on before notified_on": OrderCount(0, 2),
        "effective_on before contracts.started_on": OrderCount(1, 2, "terminations.csv rows 3"),
        "notified_on before customers.joined_on": OrderCount(1, 2, "terminations.csv rows 3"),
    }
    # b still has a contract, and of c nobody knows one or the day of joining.
    assert orders(tables, "claims") == {
        "claimed_on before customers.joined_on": OrderCount(1, 4, "claims.csv rows 5"),
        "claimed_on after the customer's last contract ended": OrderCount(
            1, 4, "claims.csv rows 3"
        ),
    }


def test_only_who_leaves_by_own_will_gives_notice_before_the_end(take):
    ends = ENDS.replace("2023-01-31,voluntary", "2023-01-09,{}")
    what = "effective_on before notified_on"
    for outcome, rows in (("voluntary", 1), ("deceased", 0), ("non_payment", 0)):
        tables = take({"contracts": CONTRACTS, "terminations": ends.format(outcome)})
        assert orders(tables, "terminations")[what].rows == rows


@IN_ANY_SHARDS
def test_a_payment_does_not_come_before_its_invoice(take, engine):
    invoices = "invoice_id,customer_id,issued_on,amount\ni1,a,2024-01-10,5\ni2,b,2024-01-10,5\n"
    payments = "payment_id,customer_id,invoice_id,paid_on\n" + (
        "1,a,i1,2024-01-10\n2,b,i2,2024-01-09\n3,b,i9,2019-01-09\n4,a,i1,2024-01-01\n"
        "set aside,nobody,i1,2023-01-01\n"
    )
    files = {"invoices": invoices, "payments": payments}
    found = orders(take(files, quality={"max_quarantine_share": 0.5}, engine=engine), "payments")
    assert found["paid_on before invoices.issued_on"] == OrderCount(2, 3, "payments.csv rows 3, 5")


def test_an_event_counts_from_its_local_day(take):
    calls = "contact_id,customer_id,started_at\n" + (
        "1,a,2019-12-31 22:59:00\n2,a,2019-12-31 23:00:00\n3,b,2022-05-05 00:00:00\n"
    )
    found = orders(take({"contacts": calls}, {"contacts": {"timezone": "UTC"}}), "contacts")
    what = "started_at before customers.joined_on"
    assert found == {what: OrderCount(1, 3, "contacts.csv rows 2")}


def test_nothing_is_said_of_orders_that_no_row_has(take):
    calls = "contact_id,customer_id,started_at\n1,c,2024-01-01 10:00:00\n"
    assert orders(take({"contacts": calls}), "contacts") == {}


def judged(company, tables, before=None, **quality):
    settings = company(quality=quality)
    known = PreviousTables(before or {})
    found = measures(settings, date(2024, 6, 1), tables, known)
    return [(m.value, m.high) for m in found if m.name.endswith("customers.joined_on")]


def test_a_gate_holds_the_share_and_what_was_let_through_stays_so(take, company):
    rows = "".join(f"{n},b,202{1 if n % 5 == 0 else 3}-01-01 10:00:00\n" for n in range(100))
    tables = take({"contacts": "contact_id,customer_id,started_at\n" + rows})
    assert judged(company, tables) == [(0.2, 0.1)]
    assert judged(company, tables, max_disorder_share=0.3) == [(0.2, 0.3)]
    assert judged(company, tables, tables) == [(0.2, pytest.approx(0.22))]
    few = rows.replace("99,b", "99,c")  # of whom no day of joining is known
    assert judged(company, take({"contacts": "contact_id,customer_id,started_at\n" + few})) == []


@pytest.mark.parametrize(
    ("table", "header", "row", "rule"),
    [
        ("customers", "customer_id,joined_on", "x,1898-05-05", "joined_on: out of range"),
        ("customers", "customer_id,joined_on", "x,0024-03-20", "joined_on: out of range"),
        (
            *("contracts", "contract_id,customer_id,product_line,started_on,binding_until"),
            *("k,a,insurance,2024-01-01,2200-01-01", "binding_until: out of range"),
        ),
        (
            *("cases", "case_id,customer_id,opened_at"),
            *("k,a,1898-05-05 08:00:00", "opened_at: out of range"),
        ),
        (
            *("contacts", "contact_id,customer_id,started_at,wait_seconds"),
            *("k,a,2024-01-01 10:00:00,205000000", "wait_seconds: above maximum"),
        ),
        (
            *("surveys", "survey_id,customer_id,answered_at,kind,score"),
            *("k,a,2024-01-01 10:00:00,csat,87", "score: above maximum"),
        ),
        (
            "claims",
            "claim_id,customer_id,claimed_on,claimed",
            "k,a,2024-01-01,-45",
            "claimed: below minimum",
        ),
    ],
)
def test_a_row_with_what_cannot_be_is_set_aside(take, table, header, row, rule):
    with pytest.raises(ContractError, match=f"{rule}: 1 rows, first in {table}.csv rows 2"):
        take({table: f"{header}\n{row}\n"})


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-31"])
def test_the_edges_of_what_can_be_are_inside(take, day):
    text = CONTRACTS.replace("started_on", "started_on,binding_until").replace(
        "-01-01", f"-01-01,{day}"
    )
    assert take({"contracts": text.replace("05-05\n", "05-05,\n")})["contracts"].quarantined == {}


AGES = {"age": {"column": "age", "type": "number", "range": [0, 120]}}
BORN = {"born": {"column": "born", "type": "number", "as_days": True}}


def test_a_declared_range_sets_aside_what_lies_outside(take):
    ages = "".join(f"c{n},{n}\n" for n in range(121)) + "old,1203\nyoung,-53\nnone,\n"
    tables = take({"customers": "customer_id,age\n" + ages}, {"customers": {"attributes": AGES}})
    rules = {"attr_age: above maximum": 1, "attr_age: below minimum": 1}
    assert (tables["customers"].rows, tables["customers"].quarantined) == (122, rules)


def test_a_date_kept_as_days_can_be_no_filler(take):
    days = "".join(f"c{n},19{n:02}-01-01\n" for n in range(100)) + "f,1898-05-05\ng,2200-01-01\n"
    tables = take({"customers": "customer_id,born\n" + days}, {"customers": {"attributes": BORN}})
    rules = {"attr_born: out of range": 2}
    assert tables["customers"].quarantined == rules


@pytest.mark.parametrize("wrong", [{"range": [3, 1]}, {"type": "category"}, {"range": [1]}])
def test_a_range_is_two_numbers_of_a_number(company, wrong):
    attributes = {"age": {**AGES["age"], **wrong}}
    with pytest.raises(ConfigError, match="range"):
        company(sources={"customers": {"path": "customers.csv", "attributes": attributes}})
