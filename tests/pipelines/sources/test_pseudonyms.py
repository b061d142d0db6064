"""With pseudonyms on, a customer's own id ends at the sources, and everything still joins."""

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import tree

from features.errors import ConfigError
from pipelines.config.settings import load_settings
from pipelines.runtime.secret_keys import PSEUDONYM, key_of
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.personal_data import define_pseudonym, pseudonym

CUSTOMERS = "customer_id,joined_on\nSECRET-1,2020-01-01\nSECRET-2,2020-01-01\n"
MANY = "".join(f"CASE-{n},SECRET-2,2024-01-01 10:00:00,\n" for n in range(30))
CASES = f"case_id,customer_id,opened_at,known_at\n{MANY}CASE-X,SECRET-9,2024-01-01 10:00:00,\n"


@settings(max_examples=50)
@given(
    key=st.binary(min_size=16, max_size=100),
    text=st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
def test_duckdb_makes_the_standard_s_code(key: bytes, text: str | None):
    with duckdb.connect() as connection:
        define_pseudonym(connection, key)
        [(found,)] = connection.execute("select pseudonym(?::varchar)", [text]).fetchall()
    assert found == (None if text is None else pseudonym(text, key))
    if text is not None:
        assert found == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def test_a_code_by_the_standard_s_own_example():
    """RFC 4231, test case 2."""
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60754e6a042426089575c7"


def test_the_key_is_in_no_statement():
    with duckdb.connect() as connection:
        define_pseudonym(connection, b"key-that-nobody-sees")
        [(written,)] = connection.execute(
            "select macro_definition from duckdb_functions() where function_name = 'pseudonym'"
        ).fetchall()
    assert "nobody" not in written
    assert "36" not in written


@pytest.fixture
def snapshot(company, tmp_path, monkeypatch):
    def take(pseudonyms: bool, key: str = "k" * 16):
        monkeypatch.setenv("STILLE_PSEUDONYM_KEY", key)
        made = company({"customers.csv": CUSTOMERS, "cases.csv": CASES}, SOURCES)
        private = made.company.model_copy(update={"pseudonyms": pseudonyms})
        return take_snapshot(made.model_copy(update={"company": private}), tmp_path / "snapshot")

    return take


SOURCES = {
    "customers": {"path": "customers.csv", "known_delay_days": 0, "static": True},
    "cases": {"path": "cases.csv"},
}


def test_ids_end_at_the_sources_and_rows_still_belong_together(snapshot):
    taken = snapshot(True)
    key = b"k" * 16
    ids = duckdb.execute(f"select customer_id from '{taken.path('customers', 0)}' order by all")
    assert ids.fetchall() == sorted((pseudonym(f"SECRET-{n}", key),) for n in (1, 2))
    cases = duckdb.execute(f"select case_id, customer_id from '{taken.path('cases', 0)}'")
    assert set(cases.fetchall()) == {(f"CASE-{n}", pseudonym("SECRET-2", key)) for n in range(30)}
    assert taken.tables["cases"].quarantined == {"customer_id: not in customers": 1}
    kept = {name: content for name, content in tree(taken.root).items() if "quarantine" not in name}
    assert kept
    assert not any(b"SECRET" in content for content in kept.values() if content)


def test_another_key_or_none_makes_another_snapshot(snapshot):
    plain, coded, other = snapshot(False), snapshot(True), snapshot(True, "o" * 16)
    assert len({plain.digest, coded.digest, other.digest}) == 3
    assert coded.digest == snapshot(True).digest


def test_the_command_tells_the_code_of_an_id_and_only_where_it_is_used(
    tmp_path, monkeypatch, stille, root
):
    monkeypatch.setenv("STILLE_PSEUDONYM_KEY", "k" * 16)
    text = (root / "configs" / "demo.yaml").read_text("utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("language: nb}", "language: nb, pseudonyms: true}"))
    ended = stille("pseudonym", "SECRET-1", "--config", config)
    assert ended.out.strip() == pseudonym("SECRET-1", b"k" * 16)
    key = key_of(PSEUDONYM, load_settings(config).paths.var)
    assert key == b"k" * 16
    refused = stille("pseudonym", "SECRET-1", "--config", root / "configs" / "demo.yaml")
    assert refused.code == ConfigError.exit_code
    assert "company.pseudonyms is off" in refused.err
