"""The catalogue of features: complete, documented, and bound before it is used."""

import dataclasses
import re
from typing import Any

import pytest
from binding import bind
from companies import FULL, ZONE

from features.catalog import Catalog, build_catalog, definition, dictionary
from features.contract import FORBIDDEN_COLUMNS, TABLES
from features.feature import Family, Feature, Stream, attribute

_DRIVERS = {
    "billing_friction": {
        "bill_shock",
        "bill_correction",
        "unclear_bill",
        "dunning",
        "payment_failure",
        "payment_method",
        "payment_setup",
        "missing_reading",
        "payment_due",
    },
    "price": {
        "price_rise",
        "silent_price_rise",
        "newcomer_offer",
        "closed_tariff",
        "binding",
        "renewal",
        "bundle",
        "loyalty_benefit",
        "market_gap",
        "product",
        "contrary_price_rise",
        "plan_fit",
        "bundle_offer",
        "consumption_bonus",
    },
    "support_wait": {
        "wait",
        "unresolved_case",
        "late_delivery",
        "bot_loop",
        "fault_response",
    },
    "contact_repeat": {"repeat_contact", "scattered_history", "self_service", "complaint"},
    "information": {
        "uninformed_incident",
        "uninformed_progress",
        "noise",
        "contradicting_message",
    },
    "channel": {"forced_channel", "channel_mix"},
    "satisfaction": {"satisfaction", "survey_silence", "felt_informed"},
    "relationship": {
        "tenure",
        "product",
        "contact_volume",
        "claims",
        "household",
        "benefits_used",
        "outreach",
        "profile",
    },
}
_BY_NAME = {feature.name: feature for feature in FULL.features}
_AGE = attribute("attr_age", "number", "relationship", "profile", "years", 0, "Age.")


def test_names_are_unique_whatever_their_case() -> None:
    names = [feature.name.lower() for feature in FULL.features]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_the_models_features_are_between_160_and_280() -> None:
    assert 160 <= len(FULL.model_features) <= 280
    assert all(feature.kind in ("number", "category") for feature in FULL.model_features)


@pytest.mark.parametrize("feature", FULL.features, ids=lambda feature: feature.name)
def test_every_feature_is_documented(feature: Feature) -> None:
    assert feature.driver in _DRIVERS[feature.family]
    assert feature.doc.endswith(".")
    assert feature.unit
    assert feature.kind == "fact" or re.fullmatch(
        r"S[0-4]( §\d)?(, S[0-4]( §\d)?)*", feature.source
    )
    assert feature.window is None or feature.name.endswith(f"_{feature.window}d")
    assert feature.fill in (None, 0)
    streams = {stream.name for stream in FULL.streams}
    assert feature.stream in streams or feature.of or feature.maybe


def test_every_driver_of_the_engine_has_a_feature() -> None:
    drivers = {feature.driver for feature in FULL.model_features}
    assert drivers == set().union(*_DRIVERS.values()) - {"profile"}


def test_streams_read_declared_tables_and_earlier_streams_only() -> None:
    for number, stream in enumerate(FULL.streams):
        assert set(stream.reads) | set(stream.optional) <= set(TABLES)
        words = set(re.findall(r"\w+", re.sub(r" as \w+", "", stream.sql)))
        assert set(TABLES) & words <= {*stream.reads, *stream.optional}, stream.name
        based_on = {word for word in words if word.startswith("stream_")}
        assert based_on == {f"stream_{name}" for name in stream.bases}
        bases = [earlier for earlier in FULL.streams[:number] if earlier.name in stream.bases]
        assert len(bases) == len(stream.bases)
        assert {table for base in bases for table in base.reads} <= set(stream.reads)


def test_no_forbidden_column_is_in_the_contract_or_read() -> None:
    columns = {column.name for table in TABLES.values() for column in table.columns}
    assert not columns & set(FORBIDDEN_COLUMNS)
    assert not [s.name for s in FULL.streams if re.search(r"\bagent", s.sql)]


def test_features_are_omitted_with_the_tables_they_miss() -> None:
    catalog = build_catalog({"customers", "invoices", "contacts"})
    names = {feature.name for feature in catalog.features}
    assert {"bill_shock_latest", "wait_max_30d", "billing_contacts_after_invoice_30d"} <= names
    assert names | set(catalog.omitted) == set(_BY_NAME)
    assert not names & set(catalog.omitted)
    assert catalog.omitted["fault_to_human_hours_max_90d"] == ("incidents",)
    needed = ("contracts", "master_data", "price_changes", "price_list")
    assert catalog.omitted["newcomer_gap_pct"] == needed
    cut = {f.stream for f in (*catalog.features, *catalog.parts) if f.stream}
    bases = {base for stream in catalog.streams for base in stream.bases}
    assert {stream.name for stream in catalog.streams} == cut | bases
    assert build_catalog(()).features == ()


def test_absence_is_not_mistaken_for_something_that_happened() -> None:
    """Without payments every invoice would look unpaid; without case ids every repeat unlinked."""
    unpaid = build_catalog({"customers", "invoices"})
    assert unpaid.omitted["overdue_invoices"] == ("payments",)
    unlinked = build_catalog(TABLES, absent=["contacts.case_id"])
    assert unlinked.omitted["case_unlinked_90d"] == ("contacts.case_id",)
    assert "case_unlinked_90d" not in {feature.name for feature in unlinked.features}
    assert FULL.omitted == {}


@pytest.mark.parametrize(
    ("column", "left_out", "kept"),
    [
        ("payments.invoice_id", "overdue_invoices", "failed_payments_90d"),
        ("price_list.valid_to", "newcomer_gap_pct", "own_price"),
        ("price_changes.contract_id", "own_price", "price_rises_365d"),
        ("incidents.planned", "faults_90d", "outage_hours_90d"),
        ("contacts.direction", "repeats_7d_count_90d", "last_contact_on"),
        ("cases.reclosed_at", "open_case_days", "reopened_90d"),
        ("cases.closed_at", "resolved_share_90d", "reopened_90d"),  # which reveals the resolution
    ],
)
def test_a_feature_goes_with_the_column_that_makes_it_true(
    column: str, left_out: str, kept: str
) -> None:
    catalog = build_catalog(TABLES, absent=[column])
    assert catalog.omitted[left_out] == (column,)
    assert kept in {feature.name for feature in catalog.features}


def test_a_combination_goes_with_what_it_is_made_of() -> None:
    without_market = build_catalog(set(TABLES) - {"market_price"})
    assert without_market.omitted["price_vs_market"] == ("market_price",)
    assert without_market.omitted["price_pressure_x_irritation"] == ("market_price",)
    history = build_catalog(TABLES, absent=["customers.segment"])
    assert "segment" not in history.omitted, "one of what it may be made of is enough"
    neither = build_catalog({"customers"}, absent=["customers.segment"])
    assert neither.omitted["segment"] == ("master_data", "customers.segment")
    assert {part.name for part in FULL.parts} >= {"compared_own_price", "compared_market_price"}
    assert not {part.name for part in FULL.parts} & set(_BY_NAME)
    bind(without_market, ZONE)
    alone = build_catalog(TABLES).only(["complaint_x_uninformed"])
    assert {part.name for part in alone.parts} == {"complaints_365d", "informed_share_365d"}
    assert {stream.name for stream in alone.streams} == {"complaints", "incidents"}


def test_a_combination_builds_on_no_other() -> None:
    combined = {feature.name for feature in FULL.features if not feature.stream}
    named = {feature.name for feature in (*FULL.features, *FULL.parts)}
    for feature in FULL.features:
        assert not combined & {*feature.of, *feature.maybe}
        assert {*feature.of, *feature.maybe} <= named


def test_delight_and_contacts_are_left_free_and_agents_are_nowhere() -> None:
    """Delight protects nobody (S1, S4); no contact can be the best service (S4)."""
    free = {"csat_top_box_last", "contacts_30d", "contacts_90d", "contacts_365d"}
    free |= {"days_since_contact", "channel_mix_365d", "survey_nonresponse_365d"}
    assert {_BY_NAME[name].sign for name in free} == {0}


def test_what_a_feature_needs_is_in_the_contract() -> None:
    columns = {f"{table.name}.{c.name}" for table in TABLES.values() for c in table.columns}
    assert {name for f in FULL.features for name in f.needs} <= {*TABLES, *columns}


def test_the_whole_catalogue_binds_and_so_does_every_small_one() -> None:
    bind(build_catalog(TABLES, [_AGE]), ZONE)
    bind(build_catalog({"customers"}, [_AGE]), ZONE)


def test_binding_names_the_feature_that_is_broken() -> None:
    broken = dataclasses.replace(_BY_NAME["tenure_days"], expression="max(joined_onn)")
    catalog = Catalog(FULL.streams, (_BY_NAME["first_90_days"], broken), {})
    with pytest.raises(ValueError, match="feature 'tenure_days' does not bind"):
        bind(catalog, ZONE)


def test_binding_names_the_stream_that_is_broken() -> None:
    broken = Stream("claims", reads=("claims",), sql="select nothing from claims")
    with pytest.raises(ValueError, match="stream 'claims' does not bind"):
        bind(Catalog((broken,), (), {}), ZONE)


_PRODUCT = {"name": "product", "stream": "customers", "source": "S3"}


def test_a_name_declared_twice_is_refused() -> None:
    family = Family("price")
    twice = {"fact": "max(joined_on)", "doc": "A day."}
    family.declare(driver=_PRODUCT, twice=twice)
    with pytest.raises(ValueError, match="'twice' is declared twice in 'price'"):
        family.declare(driver=_PRODUCT, twice=twice)
    clash = dataclasses.replace(_AGE, name="tenure_days")
    with pytest.raises(ValueError, match="more than one family: tenure_days"):
        build_catalog(TABLES, [clash])


@pytest.mark.parametrize(
    ("declared", "wrong"),
    [
        ({"sql": "count(*)", "doc": "Rises.", "dayz": [30]}, "unexpected .* 'dayz'"),
        ({"sql": "count(*)", "fact": "max(day)", "doc": "Rises."}, "unexpected .* 'fact'"),
        ({"sql": "count(*)"}, "missing .* 'doc'"),
        ({"doc": "Rises."}, "no sql, fact or part"),
    ],
)
def test_a_wrong_feature_is_refused_by_its_name(declared: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"'rises' in 'price': .*{wrong}"):
        Family("price").declare(driver=_PRODUCT, rises=declared)


def test_a_wrong_stream_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"'waits' in 'price': .*unexpected .* 'reeds'"):
        Family("price").stream("waits", sql="select 1", reeds=["contacts"])


def test_a_stream_is_told_from_another_by_its_own_words() -> None:
    family = Family("price", {"who": "customer_id", "rows": "contracts"})
    family.stream("rises", sql="select {who} from {rows}", words={"rows": "price_changes"})
    [stream] = family.streams
    assert (stream.sql, stream.reads) == ("select customer_id from price_changes", ("rises",))


def test_a_driver_says_what_a_feature_leaves_out() -> None:
    family = Family("price", {"old": "not new"})
    family.declare(
        driver={**_PRODUCT, "unit": "days", "sign": 1, "fill": 2},
        rises={"sql": "count(*) where price > 1 and {old}", "days": [30], "doc": "Rises."},
        longest={"sql": "max(days)", "sign": -1, "source": "S0", "doc": "The longest."},
        latest={"fact": "max(day) where new", "doc": "The latest."},
        both={"sql": "rises_30d + longest", "of": ["rises_30d", "longest"], "doc": "Both."},
    )
    rises, longest, latest, both = family.features
    assert (rises.name, rises.window, rises.expression) == ("rises_30d", 30, "count(*)")
    assert (rises.where, rises.unit, rises.fill) == ("price > 1 and not new", "count", 0)
    assert (longest.where, longest.unit, longest.fill) == ("true", "days", 2)
    assert (rises.sign, longest.sign, latest.sign) == (1, -1, 0)
    assert (rises.source, longest.source, latest.source) == ("S3", "S0", "")
    assert (latest.where, latest.unit, latest.fill) == ("new", "date", None)
    assert (both.stream, both.of, both.fill) == ("", ("rises_30d", "longest"), None)


def test_the_dictionary_has_one_complete_row_per_feature_of_the_model() -> None:
    rows = dictionary(FULL)
    assert [row["feature"] for row in rows] == [feature.name for feature in FULL.model_features]
    for row in rows:
        open_to_none = {"days", "sign", "without_rows"}
        assert all(value for name, value in row.items() if name not in open_to_none), row
    wait = next(row for row in rows if row["feature"] == "wait_max_30d")
    assert (wait["days"], wait["sign"], wait["without_rows"]) == (30, 1, None)


def test_a_definition_changes_with_what_decides_the_value_and_not_with_its_prose() -> None:
    feature = _BY_NAME["wait_max_30d"]
    [stream] = [stream for stream in FULL.streams if stream.name == feature.stream]
    text = definition(feature, FULL)
    same = dataclasses.replace(feature, doc="Other words.")
    assert definition(same, _with(dataclasses.replace(stream, sql=f"  {stream.sql}\n"))) == text
    for change in ({"window": 31}, {"fill": 0}, {"where": "abandoned"}, {"expression": "max(1)"}):
        assert definition(dataclasses.replace(feature, **change), FULL) != text
    assert definition(feature, _with(dataclasses.replace(stream, reveals={}))) != text


def test_a_definition_changes_with_what_it_is_built_on() -> None:
    contacts = next(stream for stream in FULL.streams if stream.name == "contacts")
    other = _with(dataclasses.replace(contacts, sql=contacts.sql.replace("14 day", "15 day")))
    assert definition(_BY_NAME["effort_index"], other) != definition(_BY_NAME["effort_index"], FULL)
    product = _BY_NAME["price_pressure_x_irritation"]
    without = build_catalog(set(TABLES) - {"complaints"})
    assert definition(product, other) != definition(product, FULL)
    assert definition(product, without) != definition(product, FULL)


def _with(changed: Stream) -> Catalog:
    streams = tuple(changed if s.name == changed.name else s for s in FULL.streams)
    return dataclasses.replace(FULL, streams=streams)
