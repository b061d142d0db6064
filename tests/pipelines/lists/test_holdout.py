"""A customer's arm is the customer's own: it stays, and it is the same share in every band."""

import stat

import numpy as np
import pandas as pd
import pytest

from features.errors import ConfigError
from pipelines.lists.lanes import arms as household_arms
from pipelines.runtime.secret_keys import HOLDOUT, key_fingerprint, key_of

KEY, OTHER = b"k" * 32, b"o" * 32
IDS = pd.Series([f"C{n:05d}" for n in range(20_000)], dtype="str")


def arms(ids: pd.Series, key: bytes, share: float) -> pd.Series:
    """The arms of customers who live alone."""
    return household_arms(ids, pd.Series(None, index=ids.index, dtype="str"), key, share)


def test_an_arm_depends_on_the_customer_and_the_key_alone():
    whole = arms(IDS, KEY, 0.1)
    some = IDS[::-7]
    pd.testing.assert_series_equal(arms(some, KEY, 0.1), whole.loc[some.index])
    assert (arms(IDS, OTHER, 0.1) != whole).any()
    more = arms(IDS, KEY, 0.2)
    assert more[whole == "holdout"].eq("holdout").all()
    assert set(arms(IDS, KEY, 0.0)) == {"treat"}


def test_an_arm_by_hand():
    """HMAC-SHA-256 of "stille arm", NUL and the id, by openssl: 7f043e5a…, a67f81ad…"""
    two = pd.Series(["C00013", "C00001"], dtype="str")
    first, second = 0x7F043E5A / 2**32, 0xA67F81AD / 2**32
    assert arms(two, KEY, first).tolist() == ["treat", "treat"]
    assert arms(two, KEY, first + 1e-9).tolist() == ["holdout", "treat"]
    assert arms(two, KEY, second + 1e-9).tolist() == ["holdout", "holdout"]


def test_a_household_is_in_one_arm_and_does_not_move_those_alone():
    households = pd.Series(None, index=IDS.index, dtype="str")
    households[:9_000] = [f"H{n // 3}" for n in range(9_000)]
    found = household_arms(IDS, households, KEY, 0.1)
    assert (found[:9_000].groupby(households[:9_000]).nunique() == 1).all()
    assert found[:9_000].eq("holdout").mean() == pytest.approx(0.1, abs=0.02)
    pd.testing.assert_series_equal(found[9_000:], arms(IDS, KEY, 0.1)[9_000:])


def test_every_band_holds_out_the_same_share_but_for_chance():
    bands = np.random.default_rng(1).choice(4, len(IDS), p=[0.8, 0.15, 0.04, 0.01])
    held_out = arms(IDS, KEY, 0.1).eq("holdout").to_numpy()
    for band in range(4):
        rows = held_out[bands == band]
        assert abs(rows.mean() - 0.1) < 4 * np.sqrt(0.09 / len(rows))


def test_the_first_key_is_made_once_for_its_owner_only(tmp_path):
    made = key_of(HOLDOUT, tmp_path / "var")
    path = tmp_path / "var" / "holdout.key"
    assert key_of(HOLDOUT, tmp_path / "var") == made == path.read_bytes().strip()
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_of(HOLDOUT, tmp_path / "other") != made


def test_a_given_key_is_used_and_nothing_is_written(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("s" * 20 + "\n")
    monkeypatch.setenv("STILLE_HOLDOUT_KEY_FILE", str(tmp_path / "secret"))
    assert key_of(HOLDOUT, tmp_path / "var") == b"s" * 20
    monkeypatch.setenv("STILLE_HOLDOUT_KEY", "t" * 20)
    assert key_of(HOLDOUT, tmp_path / "var") == b"t" * 20
    assert not (tmp_path / "var").exists()


def test_a_bad_key_is_refused_without_being_told(tmp_path, monkeypatch):
    monkeypatch.setenv("STILLE_HOLDOUT_KEY", "hunter2")
    with pytest.raises(ConfigError, match="STILLE_HOLDOUT_KEY is shorter") as refused:
        key_of(HOLDOUT, tmp_path)
    assert "hunter2" not in str(refused.value)
    monkeypatch.delenv("STILLE_HOLDOUT_KEY")
    monkeypatch.setenv("STILLE_HOLDOUT_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="absent"):
        key_of(HOLDOUT, tmp_path)


def test_a_key_has_a_name_that_gives_nothing_away():
    assert key_fingerprint(KEY) != key_fingerprint(OTHER)
    assert KEY.decode() not in key_fingerprint(KEY)
    assert len(key_fingerprint(KEY)) == 16
