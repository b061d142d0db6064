"""The declaration of the data contract: what its reader refuses, and that its names are true."""

import runpy
import shutil

import pytest
import yaml

from features.contract import TABLES

TYPES = "'text', 'integer', 'number', 'money', 'price', 'boolean', 'date' or 'instant'"
UNKNOWN = "Unexpected keyword argument"


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
            f"{PLACE}: requird: {UNKNOWN}.",
        ),
        (
            JOINED,
            "joined_on: {type: datum, doc: First day.}",
            f"{PLACE}: type: Input should be {TYPES}.",
        ),
        (JOINED, "joined_on: {type: date}", f"{PLACE}: doc: Field required."),
        (JOINED, "joined_on: {doc: First day.}", f"{PLACE}: type: Field required."),
        (
            JOINED,
            "joined_on: {type: date, doc: First day, as a customer.}",
            f"{PLACE}: as a customer.: {UNKNOWN}.",
        ),
        (
            'allowed: ["yes", "no", undecided]',
            "allowed: [yes, no, undecided]",
            "table treatments, column answer: allowed.0: Input should be a valid string; "
            "allowed.1: Input should be a valid string.",
        ),
        (
            "stage: {type: integer, minimum: 1,",
            "stage: {type: integer, minimum: one,",
            "table reminders, column stage: minimum.int: Input should be a valid integer, unable "
            "to parse string as an integer; minimum.float: Input should be a valid number, unable "
            "to parse string as a number.",
        ),
        (
            "key: [customer_id, looked_up_on]",
            "keys: [customer_id, looked_up_on]",
            "table reservations: key: Input should be a valid tuple; keys: "
            "Unexpected keyword argument.",
        ),
        (
            "due_on: {type: date, required: true,",
            "due_on: {type: date,",
            "table meter_readings: event_at: Tuple should have at least 1 item after validation, "
            "not 0.",
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
