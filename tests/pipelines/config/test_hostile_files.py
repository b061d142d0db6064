"""Whatever a configuration holds, it loads or is refused in one message within a second."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from least_config import GOOD

from features.errors import ConfigError
from pipelines.config.settings import load_settings

LONG = "9" * 5000


def with_(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


HOSTILE = {
    "no such day": with_("2023-01-01", "2023-02-30"),
    "no such month": with_("2023-01-01", "2023-13-01"),
    "no such hour": with_("2023-01-01", "2023-01-01 25:61:61"),
    "a day of no calendar": with_("2023-01-01", "0001-01-01"),
    "a list as key": GOOD + "? [a, b]\n: c\n",
    "a mapping as key": GOOD + "? {a: b}\n: c\n",
    "a list as key within": with_("{data: data}", "{data: data, [a]: 3}"),
    "a list that holds itself": with_("{data: data}", "&a [*a]"),
    "a mapping that holds itself": GOOD + "label: &a\n  x: *a\n",
    "a key that holds itself": "? &a [*a]\n: 3",
    "a tag of Python": GOOD + 'label: !!python/object/apply:os.system ["true"]\n',
    "a tag of another type": GOOD + "label: {lead_days: !!int abc}\n",
    "a tag of a day": GOOD + "label: {lead_days: !!timestamp abc}\n",
    "a tag of a truth": GOOD + "label: {lead_days: !!bool x}\n",
    "a tag of a mapping": GOOD + "label: !!map [1]\n",
    "an integer of 5,000 digits": GOOD + f"label: {{lead_days: {LONG}}}\n",
    "a hexadecimal integer": GOOD + f"label: {{lead_days: 0x{'f' * 9000}}}\n",
    "a number on base 60": GOOD + f"label: {{lead_days: {':'.join(['59'] * 3000)}}}\n",
    "more days than a calendar has": GOOD + "label: {lead_days: 99999999999}\n",
    "more months": with_("2023-01-01", "2023-01-01, test_months: 999999999"),
    "a delay of a million years": with_("customers.csv", "a.csv, known_delay_days: 365000000"),
    "no end": with_("2023-01-01", "2023-01-01, lambda_l2: .inf"),
    "no number": with_("2023-01-01", "2023-01-01, lambda_l2: .nan"),
    "no end in text": GOOD + 'monitoring: {max_drift: "Infinity"}\n',
    "no memory": GOOD + "engine: {memory_limit: 0GB}\n",
    "no memory at all": GOOD + "engine: {memory_limit: 0.0GB}\n",
    "all memory": GOOD + f"engine: {{memory_limit: {LONG}GB}}\n",
    "a hundred million threads": GOOD + "engine: {threads: 100000000}\n",
    "NUL in data": with_("{data: data}", '{data: "da\\0ta"}'),
    "NUL in var": with_("{data: data}", '{data: d, var: "v\\0"}'),
    "NUL in a source": with_("customers.csv", '"c\\0.csv"'),
    "NUL in an address": GOOD + 'tracking: {uri: "sqlite:///a\\0b"}\n',
    "half a letter": with_("{data: data}", '{data: "\\ud800"}'),
    "text that turns round": with_("name: A", 'name: "A\\u202eB"'),
    "an isolate that stays open": with_("name: A", 'name: "A\\u2067B"'),
    "a terminal's command": with_("name: A", 'name: "A\\e[31m"'),
    "a name of two lines": with_("name: A", 'name: "A\\nB"'),
    "no name": with_("name: A", 'name: ""'),
    "a language above": GOOD + "list: {languages: [../../etc/passwd]}\n",
    "a language from the root": with_("language: nb", "language: /etc/passwd"),
    "a language twice": GOOD + "list: {languages: [nb, nb]}\n",
    "a zone above": with_("Europe/Oslo", "../../etc/passwd"),
    "a model above": GOOD + "tracking: {model: ../x}\n",
    "a path of 10,000 letters": with_("{data: data}", f"{{data: {'a' * 10000}, var: {'b' * 300}}}"),
    "an address cut off": GOOD + 'tracking: {uri: "http://[::1"}\n',
    "an encoding of names": GOOD + "dialect: {encoding: punycode}\n",
    "an encoding of escapes": GOOD + "dialect: {encoding: unicode_escape}\n",
    "a line end between cells": GOOD + 'dialect: {delimiter: "\\n"}\n',
    "NUL between cells": GOOD + 'dialect: {delimiter: "\\0"}\n',
    "a form of no day": GOOD + 'dialect: {date: "%Y%Q"}\n',
    "deep lists": GOOD + f"label: {'[' * 3000}{']' * 3000}\n",
    "deep mappings": GOOD + f"label: {'{a: ' * 900}1{'}' * 900}\n",
    "deep blocks": GOOD + "label:\n" + "".join(f"{' ' * (i + 1)}a:\n" for i in range(400)),
    "an open list": "[" * 100_000,
    "an open text": '"' + "a" * 200_000,
    "60,000 keys": "".join(f"k{i}: 1\n" for i in range(20_000)),
    "4,500 unknown keys": GOOD + "".join(f"k{i}: 1\n" for i in range(4_500)),
    "two documents": f"{GOOD}---\n{GOOD}",
    "blanks": " " * 250_000,
    "another encoding": with_("name: A", "name: Bjørn").encode("latin-1"),
    "any bytes": bytes(range(256)) * 10,
    "nothing": "",
    "45 aliases": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}}}\n" for i in range(1, 23))
    + GOOD,
    "24 merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 25))
    + GOOD,
    "a password": GOOD + 'tracking: {uri: "http://u:canary@host/"}\n',
    "a token in place of a name": GOOD + 'tracking: {uri: "https://canary@host/"}\n',
    "a token in a query": GOOD + 'tracking: {uri: "http://host/?token=canary"}\n',
    "a token of the environment in a query": GOOD
    + 'tracking: {uri: "http://host/?api_key=${CANARY}"}\n',
    "a secret of a bucket": with_("{data: data}", '{data: "s3://b/x?secret=canary"}'),
    "a user of a cluster": GOOD + 'engine: {kind: dask, address: "tcp://u:${CANARY}@host:1"}\n',
    "a token of a cluster": GOOD + 'engine: {kind: dask, address: "tcp://h:1?token=canary"}\n',
    "an option of a database": with_(
        "{path: customers.csv}",
        '{database: {driver: x, options: {password: canary}, uri: "${CANARY}", table: a}}',
    ),
}
VARIABLES = {
    "an open list": ("STILLE__X", "["),
    "a tag": ("STILLE__LABEL__LEAD_DAYS", "!!int x"),
    "no such day": ("STILLE__TRAINING__FIRST_AS_OF", "2023-02-30"),
    "digits": ("STILLE__LABEL__LEAD_DAYS", LONG),
    "depth": ("STILLE__" + "A__" * 3000 + "C", "1"),
    "lists": ("STILLE__LABEL", "[" * 5000),
    "itself": ("STILLE__LABEL", "&a [*a]"),
    "a key": ("STILLE__LABEL", "{[a]: 3}"),
    "no text": ("STILLE__COMPANY__NAME", "\udcff"),
    "below a value": ("STILLE__COMPANY__NAME__X", "3"),
    "nothing": ("STILLE__", "x"),
}


def refusal(path: Path) -> str:
    """The message of the ``ConfigError``; within a second, short, without any secret."""
    started = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert time.process_time() - started < 1
    message = str(caught.value)
    assert "canary" not in message
    assert message.isprintable() or set(message) - {"\n"} == set(filter(str.isprintable, message))
    return message


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANARY", "canary")
    return tmp_path / "company.yaml"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_configuration_is_refused(name: str, file: Path):
    text = HOSTILE[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    message = refusal(file)
    assert "company.yaml" in message
    assert len(message) < 15_000


@pytest.mark.parametrize("name", VARIABLES)
def test_a_hostile_variable_is_refused(name: str, file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text(GOOD)
    monkeypatch.setenv(*VARIABLES[name])
    refusal(file)


def test_what_is_no_file_is_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "loop", Path("/dev/zero"), Path("a\0b")):
        refusal(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(document: object, above: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    if not isinstance(document, dict):
        return [above]
    return [above, *(p for key, value in document.items() for p in places(value, (*above, key)))]


DEMO = yaml.safe_load((Path(__file__).parents[3] / "configs" / "demo.yaml").read_text("utf-8"))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(places(DEMO)[1:]), value=VALUES)
def test_any_value_in_any_place_loads_or_is_refused(place, value, tmp_path):
    document = yaml.safe_load(yaml.safe_dump(DEMO))
    section = document
    for step in place[:-1]:
        section = section[step]
    section[place[-1]] = value
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with suppress(ConfigError):
        load_settings(path)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_configuration_cut_and_mixed_loads_or_is_refused(data, tmp_path):
    text = (Path(__file__).parents[3] / "configs" / "demo.yaml").read_bytes()
    at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 40))
    signs = st.sampled_from([b"&a ", b"*a", b"<<: ", b"!!int ", b"[", b"{", b"? ", b"\0", b"\xff"])
    text_within = data.draw(st.binary(max_size=6) | signs)
    path = tmp_path / "c.yaml"
    path.write_bytes(text[:at] + text_within + text[at + length :])
    with suppress(ConfigError):
        load_settings(path)
