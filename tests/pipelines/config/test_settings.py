from datetime import date

import pytest
import yaml
from least_config import GOOD
from pydantic import ValidationError

from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.config.sources import ColumnMap
from pipelines.simulator.writer import WRITTEN


@pytest.fixture
def load(tmp_path):
    def read(text):
        path = tmp_path / "c.yaml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path)

    return read


def refusal(load, text):
    with pytest.raises(ConfigError) as caught:
        load(text)
    return str(caught.value)


def test_the_demo_config_loads_and_names_every_table(root):
    settings = load_settings(root / "configs" / "demo.yaml")
    assert settings.company.timezone == "Europe/Oslo"
    assert settings.list.languages == ("nb", "sv", "en")
    assert set(settings.sources) == set(WRITTEN)
    assert settings.zone_of("contacts") == "UTC"


def test_settings_cannot_be_changed(load):
    with pytest.raises(ValidationError, match="frozen"):
        load(GOOD).company.name = "B"


@pytest.mark.fault(38)
def test_all_errors_come_at_once_each_with_its_place_and_nearest_match(load):
    message = refusal(
        load,
        """
company: {name: A, timezone: Europe/Olso, currency: kroner, language: nb}
paths: {dta: data}
sources:
  customers: {path: customers.csv, colums: {customer_id: id}}
  invoces: {path: invoices.csv}
  contacts:
    path: ../contacts.csv
    dialect: {delimeter: ";", decimal: "x"}
    columns: {custmer_id: id, channel: {value: fone}}
""",
    )
    for line in (
        "company.timezone: found 'Europe/Olso'; not an IANA time zone; did you mean 'Europe/Oslo'?",
        "company.currency: found 'kroner'",
        "paths.data: required, and not given",
        "paths.dta: unknown key; allowed: var, data, out, group; did you mean 'data'?",
        "sources.customers.colums: unknown key",
        "did you mean 'columns'?",
        "sources.invoces: unknown table",
        "did you mean 'invoices'?",
        "sources.contacts.path: found '../contacts.csv'; a path stays under paths.data",
        "sources.contacts.dialect.delimeter: unknown key",
        "did you mean 'delimiter'?",
        "sources.contacts.dialect.decimal: ",
        "sources.contacts.columns.custmer_id: unknown column",
        "did you mean 'customer_id'?",
        "sources.contacts.columns.channel: found 'fone'; allowed: phone",
        "did you mean 'phone'?",
        "training: required, and not given",
    ):
        assert line in message


def test_a_required_table_must_be_configured(load):
    text = GOOD.replace("customers: {path: customers.csv}", "contacts: {path: contacts.csv}")
    assert "sources.customers: required, and not given" in refusal(load, text)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("levels: true", "sources.customers.levels"),
        ("known_delay_days: -1", "sources.customers.known_delay_days"),
        ("timezone: Mars/Base", "sources.customers.timezone"),
        ("columns: {customer_id: {row_number: true}}", "sources.customers.columns.customer_id"),
        ("columns: {segment: {column: a, value: b}}", "sources.customers.columns.segment"),
        ("attributes: {Age: {column: a, type: number}}", "sources.customers.attributes.Age"),
        ("attributes: {age: {column: a, type: number}}", "sources.customers.attributes.age"),
        (
            "attributes: {age: {column: a, type: number, static: true, mutable: true}}",
            "sources.customers.attributes.age",
        ),
        ("table: kunder", "sources.customers.table"),
        ("format: duckdb", "sources.customers.table"),
        ("path: a.duckdb, table: 'a;b'", "sources.customers.table"),
        ('path: a, database: {uri: "${HOME}", table: a.b}', "sources.customers"),
        ('format: csv, database: {uri: "${HOME}", table: a.b}', "sources.customers.format"),
        ("path: /etc/passwd", "sources.customers.path"),
        ("path: a/../../b.csv", "sources.customers.path"),
    ],
)
def test_mappings_that_cannot_work_are_refused(load, change, place):
    inner = change if change.startswith("path") else f"path: customers.csv, {change}"
    text = GOOD.replace("{path: customers.csv}", f"{{{inner}}}")
    assert f"{place}: " in refusal(load, text)


@pytest.mark.parametrize(
    ("table", "column", "value", "form"),
    [
        ("self_service", "completed", "TRUE", "true or false"),
        ("self_service", "completed", "ja", "true or false"),
        ("labels", "as_of", "01.02.2026", "YYYY-MM-DD"),
        ("contacts", "started_at", "01.02.2026 10:00", "YYYY-MM-DD HH:MM:SS"),
        ("invoices", "amount", "1 000,00", "a number with a decimal point"),
    ],
)
def test_a_constant_that_the_contract_cannot_read_is_a_mistake_of_its_key(
    company, table, column, value, form
):
    source = {"path": "x.csv", "columns": {column: {"value": value}}}
    with pytest.raises(ConfigError) as caught:
        company(sources={table: source}, dialect={"true_values": ["TRUE"], "false_values": ["F"]})
    key = f"sources.{table}.columns.{column}.value"
    assert f"{key}: found {value!r}; a constant is written as {form}" in str(caught.value)


def test_constants_that_yaml_makes_its_own_types_of_are_read(company):
    for column, value in (("completed", True), ("seconds", 5), ("started_at", "2026-02-01")):
        source = {"path": "x.csv", "columns": {column: {"value": value}}}
        assert company(sources={"self_service": source})


def test_only_seconds_have_a_form_of_duration(company):
    source = {"path": "x.csv", "columns": {"transfers": {"column": "x", "duration": "mm:ss"}}}
    with pytest.raises(ConfigError, match="only a column of seconds is a duration"):
        company(sources={"contacts": source})


def test_what_price_levels_make_cannot_be_mapped(load):
    levels = "price_changes: {path: p.csv, levels: true, columns: {old_price: before}}"
    text = GOOD.replace("customers.csv}", "customers.csv}\n  " + levels)
    assert "sources.price_changes.columns.old_price: made from" in refusal(load, text)


def test_sections_that_contradict_themselves_are_refused(load):
    text = GOOD.replace("2023-01-01}", "2023-01-01, last_as_of: 2022-01-01}") + (
        "list: {bands: {high: 0.5}}\ndialect: {decimal: ',', thousands: ','}\n"
    )
    message = refusal(load, text)
    assert "last_as_of must not be before first_as_of" in message
    assert "list.bands: " in message
    assert "decimal and thousands must differ" in message


def test_variables_are_expanded_with_their_defaults(load, tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "elsewhere")
    settings = load(GOOD.replace("data: data", 'data: "${PLACE}/x", var: "${NOT_SET_A:-v}"'))
    found = settings.paths.data, settings.paths.var
    assert found == (tmp_path / "elsewhere" / "x", tmp_path / "v")


def test_an_unset_variable_without_default_is_named(load):
    message = refusal(load, GOOD.replace("data: data", 'data: "${NOT_SET_A}"'))
    assert "paths.data: environment variable NOT_SET_A is not set" in message


@pytest.mark.fault(38)
def test_an_expanded_secret_is_not_shown(load, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hunter2")
    message = refusal(load, GOOD.replace("currency: NOK", 'currency: "${A_SECRET}"'))
    assert "company.currency: found '${A_SECRET}'" in message
    assert "hunter2" not in message


def test_the_environment_overrides_single_values(load, monkeypatch):
    monkeypatch.setenv("STILLE__ENGINE__THREADS", "7")
    monkeypatch.setenv("STILLE__LIST__LANGUAGES", "[en, sv]")
    monkeypatch.setenv("STILLE__SOURCES__CUSTOMERS__PATH", "other.csv")
    settings = load(GOOD)
    assert settings.engine.threads == 7
    assert settings.list.languages == ("en", "sv")
    assert settings.sources["customers"].path == "other.csv"


def test_an_override_of_an_unknown_key_is_refused(load, monkeypatch):
    monkeypatch.setenv("STILLE__ENGINE__THREDS", "7")
    assert "engine.threds: unknown key" in refusal(load, GOOD)


@pytest.mark.fault(38)
def test_yaml_can_only_hold_plain_data(load):
    message = refusal(load, GOOD + "x: !!python/object/apply:os.system [true]\n")
    assert "not plain YAML" in message


@pytest.mark.fault(38)
def test_an_alias_bomb_is_refused_before_it_is_built(load):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "too many values (at most" in refusal(load, "\n".join(lines))


@pytest.mark.fault(38)
def test_an_oversized_file_is_refused(load):
    assert "a configuration has at most" in refusal(load, GOOD + "#" * 1_000_001)


def test_a_key_given_twice_is_refused(load):
    assert "key 'paths' is given twice" in refusal(load, GOOD + "paths: {data: other}\n")


def test_the_language_code_no_is_not_false(load):
    assert load(GOOD.replace("language: nb", "language: no")).company.language == "no"


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read"):
        load_settings(tmp_path / "nowhere.yaml")


def test_constants_are_taken_as_they_are_written():
    assert ColumnMap.model_validate(yaml.safe_load("{value: 2016-02-01}")).value == "2016-02-01"
    assert ColumnMap.model_validate({"value": True}).value == "true"
    assert ColumnMap.model_validate("kundenr").column == "kundenr"
    assert dict(ColumnMap.model_validate({"column": "a", "values": {1: "x"}}).values) == {"1": "x"}


def test_a_source_overrides_single_fields_of_the_dialect(load):
    text = GOOD.replace("customers.csv}", 'customers.csv, dialect: {delimiter: ";"}}')
    dialect = load(text + "dialect: {decimal: ','}\n").dialect_of("customers")
    assert (dialect.delimiter, dialect.decimal, dialect.quote) == (";", ",", '"')


def test_an_attribute_must_be_declared_static(load):
    column = "customers.csv, attributes: {age: {column: Age, type: number}}"
    message = refusal(load, GOOD.replace("customers.csv", column))
    assert "attributes.age: can 'Age' change after the day it is first written?" in message
    assert "mutable: true, and give its history in sources.master_data" in message
    for declared in (column.replace("number}", "number, static: true}"), f"{column}, static: true"):
        settings = load(GOOD.replace("customers.csv", declared))
        assert settings.sources["customers"].attributes["age"].column == "Age"


@pytest.mark.parametrize("form", ["Segment", "{column: Segment}"])
def test_a_segment_is_declared_like_an_attribute(load, form):
    columns = f"customers.csv, columns: {{segment: {form}}}"
    message = refusal(load, GOOD.replace("customers.csv", columns))
    assert "columns.segment: can 'Segment' change after the day it is first written?" in message
    declared = columns.replace(form, "{column: Segment, static: true}")
    assert load(GOOD.replace("customers.csv", declared))
    other = "customers.csv, columns: {joined_on: {column: J, static: true}}"
    message = refusal(load, GOOD.replace("customers.csv", other))
    assert "only attributes and the segment are static or mutable" in message


def test_a_source_is_files_or_a_database(load):
    message = refusal(load, GOOD.replace("{path: customers.csv}", "{known_delay_days: 0}"))
    assert "sources.customers: give either path (files) or database (uri, table)" in message


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.csv", "csv"),
        ("a/*.txt", "csv"),
        ("a.parquet", "parquet"),
        ("a/", "parquet"),
        ("a.duckdb, table: t", "duckdb"),
        ("a/, format: csv", "csv"),
    ],
)
def test_the_format_follows_the_path_unless_it_is_given(load, path, kind):
    settings = load(GOOD.replace("customers.csv", path))
    assert settings.sources["customers"].kind == kind


def test_economics_are_optional_and_the_multiple_is_a_range(company):
    assert company().economics is None
    given = {"margin_per_year": 1500, "years": 4, "contact_cost": 30, "saved_share": 0.3}
    found = company(economics=given).economics
    assert found.acquisition_cost_multiple == (4.0, 10.0)
    assert (found.offer_cost, found.woken_share, found.discount_rate) == (0.0, 0.0, 0.08)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"acquisition_cost_multiple": [10, 4]}, "must go from low to high"),
        ({"acquisition_cost_multiple": 7}, "acquisition_cost_multiple"),
        ({"saved_share": 1.2}, "saved_share"),
        ({"woken_share": -0.1}, "woken_share"),
        ({"years": 0}, "years"),
        ({"offer_cost": 300}, "needs offer_taken_by_stayers: the share"),
        ({"offer_taken_by_stayers": 1.1}, "offer_taken_by_stayers"),
        ({"discount_rate": 1}, "discount_rate"),
        ({"margin": 1}, "margin_per_year"),
    ],
)
def test_economics_that_make_no_sense_are_refused(company, change, said):
    given = {"margin_per_year": 1500, "years": 4, "contact_cost": 30, "saved_share": 0.3}
    with pytest.raises(ConfigError, match=said):
        company(economics={**given, **change})


def test_contact_is_closed_unless_the_configuration_opens_it(company):
    given = company().contact
    assert dict(given.legal_basis) == {}
    assert given.register_days == 31
    friday, saturday = date(2026, 5, 15), date(2026, 5, 16)
    assert [given.quiet(friday, "NO"), given.quiet(saturday, "NO")] == [False, True]
    given = {"name": "Test", "timezone": "UTC", "currency": "NOK", "language": "nb"}
    rules = {"quiet_weekdays": ["friday"], "quiet_dates": [date(2026, 5, 18)]}
    own = company(company=given, contact=rules)
    quiet = [own.contact.quiet(date(2026, 5, day), None) for day in (15, 16, 17, 18)]
    assert quiet == [True, False, False, True]


@pytest.mark.parametrize(
    ("zone", "country", "quiet"),
    [
        ("Europe/Oslo", "NO", ["2024-01-01", "2024-05-09", "2024-05-17"]),
        ("Europe/Stockholm", "SE", ["2024-01-01", "2024-05-09", "2024-06-06"]),
        ("UTC", None, []),
    ],
)
def test_nobody_is_called_on_a_public_holiday_of_the_company_s_country(
    company, zone, country, quiet
):
    given = {"name": "Test", "timezone": zone, "currency": "NOK", "language": "nb"}
    settings = company(company=given)
    assert settings.company.country == country
    days = map(date.fromisoformat, ["2024-01-01", "2024-05-09", "2024-05-17", "2024-06-06"])
    assert [str(d) for d in days if settings.contact.quiet(d, settings.company.country)] == quiet
    elsewhere = company(company={**given, "country": "DK"}).company.country
    assert elsewhere == "DK"
    with pytest.raises(ConfigError, match="'XX' is no country"):
        company(company={**given, "country": "XX"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"calling_hours": ["20:00", "09:00"]}, "from earlier to later"),
        ({"legal_basis": {"phone": "curiosity"}}, "consent"),
        ({"legal_basis": {"pigeon": "consent"}}, "phone"),
        ({"register_days": 0}, "register_days"),
        ({"quiet_weekdays": ["fredag"]}, "friday"),
    ],
)
def test_contact_rules_that_make_no_sense_are_refused(company, change, said):
    with pytest.raises(ConfigError, match=said):
        company(contact=change)
