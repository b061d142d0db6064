"""What customers allow is read again when a night publishes; what cannot be read is closed."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipelines.config.lists import Contact
from pipelines.config.run import Run
from pipelines.lists.contact import CONTACT_CHANNELS, allowed_contact
from pipelines.lists.permissions import read_permissions
from pipelines.runtime.run_record import RunRecord
from pipelines.snapshots.snapshot import take_snapshot

DAY = date(2026, 3, 2)
IDS = pd.Series(["1", "2", "3"], index=[7, 8, 9], dtype="str")
FILES = {
    "customers.csv": "customer_id,joined_on\n1,2020-01-01\n2,2021-06-01\n3,2021-06-01\n",
    "consents.csv": "consent_id,customer_id,changed_at,channel,purpose,allowed\n"
    "a,1,2025-01-01 10:00:00,email,marketing,true\n"
    "b,1,2026-01-01 10:00:00,email,marketing,false\n"
    "c,2,2026-01-01 10:00:00,email,marketing,false\n"
    "d,2,2026-01-01 10:00:01,email,marketing,true\n"
    "e,2,2026-01-01 10:00:00,phone,service,false\n"
    "f,3,2026-01-01 10:00:00,sms,marketing,true\n"
    "g,3,2026-01-01 10:00:00,sms,marketing,false\n",
    "bars.csv": "bar_id,customer_id,barred_at,reason,channel,lifted_at\n"
    "a,1,2026-01-01 10:00:00,vulnerable,,\n"
    "b,2,2026-01-01 10:00:00,vulnerable,,2026-02-01 10:00:00\n"
    "c,2,2026-01-01 10:00:00,opted_out,post,\n"
    "d,3,2026-01-01 10:00:00,opted_out,,\n",
    "register.csv": "customer_id,looked_up_on,reserved_phone,reserved_post\n"
    "1,2026-01-20,true,true\n1,2026-02-20,false,true\n2,2026-02-20,true,false\n",
    "complaints.csv": "complaint_id,customer_id,opened_at,closed_at\n"
    "a,1,2026-01-01 10:00:00,2026-01-05 10:00:00\nb,2,2026-01-01 10:00:00,\n",
    "treatments.csv": "treatment_id,customer_id,treated_at,contacted,arm\n"
    "a,1,2026-02-01 23:30:00,true,treat\nb,1,2026-02-20 10:00:00,false,holdout\n"
    "c,2,2026-02-10 10:00:00,,\nd,3,2026-01-25 10:00:00,true,holdout\n",
    "homes.csv": "customer_id,household_id,valid_from\n"
    "1,H1,2022-01-01\n1,,2026-01-01\n2,H1,2022-01-01\n",
}
SOURCES = {
    "consents": {"path": "consents.csv"},
    "contact_bars": {"path": "bars.csv"},
    "reservations": {"path": "register.csv"},
    "complaints": {"path": "complaints.csv"},
    "treatments": {"path": "treatments.csv"},
    "households": {"path": "homes.csv"},
}


def read(company, tmp_path, meanwhile=lambda data: None, files=None, **sections):
    """Permissions after ``meanwhile`` changed the company's files since its snapshot."""
    settings = company(FILES | (files or {}), SOURCES, **sections)
    snapshot = take_snapshot(settings, tmp_path / "snapshots", as_of=DAY)
    meanwhile(tmp_path / "data")
    record = RunRecord("r", "nightly", "now")
    return read_permissions(Run(settings, DAY, record), IDS, snapshot), record


def allowed(permissions):
    rules = Contact(
        legal_basis=dict.fromkeys(CONTACT_CHANNELS, "customer_relation"),
        cooldown_days=5,
        register_days=None,
    )
    return allowed_contact(permissions.customers, rules, DAY, None)


def words(column):
    return [None if pd.isna(value) else value for value in column]


def test_each_table_says_what_it_says_of_each_customer(company, tmp_path):
    found, record = read(company, tmp_path)
    known = found.customers
    assert found.refusal is None
    assert record.notes == []
    assert known.index.tolist() == [7, 8, 9]
    assert words(known["consent_email"]) == [False, True, None]
    assert words(known["consent_sms"]) == [None, None, False]
    assert words(known["opted_out_phone"]) == [None, True, None]
    assert words(known["opted_out_post"]) == [None, True, None]
    assert words(known["vulnerable"]) == [True, False, False]
    assert words(known["opted_out"]) == [False, False, True]
    assert words(known["reserved_phone"]) == [False, True, None]
    assert words(known["reserved_post"]) == [True, False, None]
    assert words(known["register_on"]) == [pd.Timestamp("2026-02-20")] * 2 + [None]
    assert words(known["open_complaint"]) == [False, True, None]
    days = [pd.Timestamp("2026-02-01"), pd.Timestamp("2026-02-10"), pd.Timestamp("2026-01-25")]
    assert words(known["last_outreach_on"]) == days
    assert words(known["household_id"]) == [None, "H1", None]
    assert words(known["unread"]) == [None, None, None]


@pytest.mark.promise("barred")
@pytest.mark.fault(43)
def test_a_no_given_after_the_snapshot_wins(company, tmp_path):
    lines = FILES["bars.csv"].splitlines(keepends=True)
    yes = {"bars.csv": lines[0] + lines[2]}

    def says_no(data):
        with (data / "consents.csv").open("a") as file:
            file.write("h,1,2026-03-02 09:00:00,sms,marketing,false\n")
        with (data / "bars.csv").open("a") as file:
            file.write("x,3,2026-03-02 09:00:00,opted_out,,\n")

    before = allowed(read(company, tmp_path, files=yes)[0])
    after = allowed(read(company, tmp_path, says_no, files=yes)[0])
    assert before["contact_allowed_sms"].tolist() == [True, False, False]
    assert before["contact_allowed_post"].tolist() == [True, False, True]
    assert after["contact_allowed_sms"].tolist() == [False, False, False]
    assert after["contact_allowed_post"].tolist() == [True, False, False]
    assert after["contact_block_reason"].tolist()[2] == "opted_out"


def cut_short(data):
    path = data / "consents.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:4]) + "\n")


def half_written(data):
    with (data / "bars.csv").open("a") as file:
        file.write('e,1,"2026-01-')


def many_broken(data):
    with (data / "consents.csv").open("a") as file:
        file.write("h,1,2026-03-02 09:00:00,sms,marketing,perhaps\n")


def of_another_shape(data):
    path = data / "register.csv"
    path.write_text(path.read_text().replace("looked_up_on", "asked"))


@pytest.mark.promise("barred")
@pytest.mark.parametrize(
    "harm",
    [
        cut_short,
        half_written,
        many_broken,
        of_another_shape,
        lambda data: (data / "bars.csv").unlink(),
        lambda data: (data / "complaints.csv").write_bytes(b"\x00\xff"),
    ],
)
def test_what_cannot_be_read_closes_everything_for_everybody_and_says_so(company, tmp_path, harm):
    found, record = read(company, tmp_path, harm)
    told = allowed(found)
    assert not told.filter(like="contact_allowed").to_numpy().any()
    assert told["contact_block_reason"].tolist() == ["unread"] * 3
    [note] = record.notes
    assert note == f"nobody may be contacted: {found.refusal}"
    assert len(found.refusal) > 20


def test_a_broken_row_closes_its_own_customer(company, tmp_path):
    found, record = read(company, tmp_path, many_broken, quality={"max_quarantine_share": 0.5})
    assert (found.refusal, record.notes) == (None, [])
    assert words(found.customers["unread"]) == [True, None, None]
    assert allowed(found)["contact_block_reason"].tolist()[0] == "unread"


def test_a_company_without_such_tables_has_allowed_nothing(company, tmp_path):
    settings = company()
    snapshot = take_snapshot(settings, tmp_path / "snapshots", as_of=DAY)
    run = Run(settings, DAY, RunRecord("r", "nightly", "now"))
    found = read_permissions(run, IDS, snapshot)
    rules = Contact(
        legal_basis=dict.fromkeys(CONTACT_CHANNELS, "consent"), cooldown_days=5, register_days=31
    )
    told = allowed_contact(found.customers, rules, DAY, None)
    assert not told.filter(like="contact_allowed").to_numpy().any()


def test_random_words_of_many_customers_are_read_as_a_plain_reading_would(company, tmp_path):
    rng = np.random.default_rng(5)
    ids = [f"c{n:02}" for n in range(40)]
    consents = [
        (str(n), rng.choice(ids), date(2026, 1, rng.integers(1, 9)), *words, bool(allowed))
        for n, (*words, allowed) in enumerate(
            zip(
                rng.choice([*CONTACT_CHANNELS, "app"], 300),
                rng.choice(["service", "marketing"], 300),
                rng.random(300) < 0.6,
                strict=True,
            )
        )
    ]
    bars = [
        (str(n), rng.choice(ids), rng.choice(["", *CONTACT_CHANNELS]), bool(rng.random() < 0.5))
        for n in range(40)
    ]
    head = "consent_id,customer_id,changed_at,channel,purpose,allowed\n"
    lines = (
        f"{i},{c},{at} 00:00:00,{ch},{p},{str(a).lower()}\n" for i, c, at, ch, p, a in consents
    )
    bar_head = "bar_id,customer_id,barred_at,reason,channel,lifted_at\n"
    bar_lines = (
        f"{i},{c},2026-01-01 00:00:00,opted_out,{ch},{'2026-01-02 00:00:00' if lifted else ''}\n"
        for i, c, ch, lifted in bars
    )
    files = {
        "customers.csv": "customer_id,joined_on\n" + "".join(f"{c},2020-01-01\n" for c in ids),
        "consents.csv": head + "".join(lines),
        "bars.csv": bar_head + "".join(bar_lines),
    }
    made = company(files, {name: SOURCES[name] for name in ("consents", "contact_bars")})
    snapshot = take_snapshot(made, tmp_path / "snapshots", as_of=DAY)
    run = Run(made, DAY, RunRecord("r", "nightly", "now"))
    found = read_permissions(run, pd.Series(ids, dtype="str"), snapshot)
    assert found.refusal is None
    rules = Contact(
        legal_basis=dict.fromkeys(CONTACT_CHANNELS, "consent"), cooldown_days=5, register_days=None
    )
    told = allowed_contact(found.customers, rules, DAY, None)
    for place, customer in enumerate(ids):
        barred = {ch for _, c, ch, lifted in bars if c == customer and not lifted}
        for channel in CONTACT_CHANNELS:
            said = {
                purpose: min(
                    (
                        (-at.toordinal(), allowed)
                        for _, c, at, ch, p, allowed in consents
                        if (c, ch, p) == (customer, channel, purpose)
                    ),
                    default=(0, None),
                )[1]
                for purpose in ("service", "marketing")
            }
            may = said["marketing"] is True and said["service"] is not False
            may &= not barred & {"", channel}
            assert told[f"contact_allowed_{channel}"].iloc[place] == may
    assert told["contact_block_reason"].isna().any()
