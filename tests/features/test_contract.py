"""The declaration of the data contract: what its reader refuses, and that its names are true."""

import runpy
import shutil

import pytest
import yaml

from features.contract import TABLES

TYPES = "text, integer, number, money, price, boolean, date, instant"
COLUMN_FIELDS = (
    "doc, type, unit, required, allowed, vocabulary, minimum, maximum, revealed_by, at_once"
)
TABLE_FIELDS = "doc, key, event_at, columns, required, planned, derived, versions"


@pytest.fixture
def read_with(root, tmp_path):
    """Import the contract with one line of its declaration written otherwise."""

    def read(line, other):
        folder = root / "features"
        text = (folder / "contract.yaml").read_text("utf-8")
        assert text.count(line) == 1
        shutil.copy(folder / "contract.py", tmp_path)
        (tmp_path / "contract.yaml").write_text(text.replace(line, other), "utf-8")
        return runpy.run_path(str(tmp_path / "contract.py"))["TABLES"]

    return read


JOINED = "joined_on: {type: date, doc: First day as a customer.}"
RESERVED = "reserved_phone: {type: boolean, required: true, doc: Reserved against calls.}"
PLACE = "table customers, column joined_on"


def test_a_column_that_is_declared_is_read(read_with):
    tables = read_with(JOINED, f"{JOINED}\n      joined_in: {{type: text, doc: Its shop.}}")
    names = [column.name for column in tables["customers"].columns]
    assert names[:3] == ["customer_id", "joined_on", "joined_in"]
    assert set(names) - {"joined_in"} == {column.name for column in TABLES["customers"].columns}


@pytest.mark.parametrize(
    ("line", "other", "fault"),
    [
        (
            JOINED,
            "joined_on: {type: date, requird: true, doc: First day.}",
            f"{PLACE}: no field is called requird; allowed: {COLUMN_FIELDS}.",
        ),
        (
            JOINED,
            "joined_on: {type: datum, doc: First day.}",
            f"{PLACE}: type is 'datum'; allowed: {TYPES}.",
        ),
        (JOINED, "joined_on:", f"{PLACE}: doc is None; allowed: a text."),
        (JOINED, "joined_on: {doc: First day.}", f"{PLACE}: type is None; allowed: {TYPES}."),
        (
            JOINED,
            "joined_on: {type: date, doc: First day, as a customer.}",
            f"{PLACE}: no field is called as a customer.; allowed: {COLUMN_FIELDS}.",
        ),
        (
            'allowed: ["yes", "no", undecided]',
            "allowed: [yes, no, undecided]",
            "table treatments, column answer: allowed is (True, False, 'undecided'); "
            "allowed: a list of texts.",
        ),
        (
            RESERVED,
            RESERVED.replace("true", '"yes"'),
            "table reservations, column reserved_phone: required is 'yes'; allowed: true or false.",
        ),
        (
            "stage: {type: integer, minimum: 1,",
            "stage: {type: integer, minimum: one,",
            "table reminders, column stage: minimum is 'one'; allowed: a number.",
        ),
        (
            "key: [customer_id, looked_up_on]",
            "keys: [customer_id, looked_up_on]",
            f"table reservations: no field is called keys; allowed: {TABLE_FIELDS}.",
        ),
        (
            "due_on: {type: date, required: true,",
            "due_on: {type: date,",
            "table meter_readings: event_at is (); allowed: a list of texts.",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_at_import(read_with, line, other, fault):
    with pytest.raises(ValueError, match=r"contract\.yaml") as refusal:
        read_with(line, other)
    assert str(refusal.value).partition("contract.yaml, ")[2] == fault


def test_a_file_that_is_no_yaml_is_refused_with_its_line(read_with):
    with pytest.raises(yaml.YAMLError, match=r'contract\.yaml", line \d+'):
        read_with(JOINED, "joined_on: {type: date, doc: First day: as a customer.}")


def test_no_name_is_declared_twice(root):
    def repeated(node):
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value]
            yield from (name for name in set(names) if names.count(name) > 1)
            node = yaml.SequenceNode(node.tag, [value for _, value in node.value])
        for part in node.value if isinstance(node, yaml.SequenceNode) else ():
            yield from repeated(part)

    declared = sorted((root / "features").rglob("*.yaml"))
    assert len(declared) == 13
    for file in declared:
        assert not list(repeated(yaml.compose(file.read_text("utf-8")))), file
    assert list(repeated(yaml.compose("a: {b: {c: 1, c: 2}}"))) == ["c"]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_keys_and_moments_are_columns_of_their_table(table):
    moments = {column.revealed_by for column in table.columns if column.revealed_by}
    for name in moments | set(table.event_at):
        assert table.column(name).type in ("date", "instant")
    assert {*table.key} <= {column.name for column in table.columns}
    assert len({column.name for column in table.columns}) == len(table.columns)
