"""The pointer never goes back, and what is no publication is neither followed nor removed."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import ConfigError
from pipelines.publication.manifest import Stamp
from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication, current, newest_of

DAY = date(2024, 5, 2)


def stamp(run_id: str = "run-1", as_of: date = DAY) -> Stamp:
    created = datetime(2024, 5, 2, 3, 0, tzinfo=UTC)
    return Stamp(as_of, run_id, created, "sha256:i", "sha256:c", "churn/3", "sha256:m", 90, {})


def night(out: Path, made: Stamp, *, backfill: bool = False, text: str = "a") -> Publication:
    publication = Publication(out, made.as_of, made.run_id)
    with publisher(out), staging_folder(publication) as folder:
        (folder / "risk_list.csv").write_text(f"customer_id\n{text}\n")
        publish(publication, made, {}, backfill=backfill)
    return publication


@pytest.mark.fault(57)
def test_what_only_has_the_name_of_a_staging_folder_is_passed_by(tmp_path: Path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("kept")
    out.mkdir()
    (out / ".staging-x").write_text("a plain file")
    (out / ".staging-photos").mkdir()
    (out / ".staging-photos" / "precious").write_text("kept")
    name = ".staging-nightly-20240501T030000Z-a1b2c"
    (out / f"{name}1").symlink_to(elsewhere)
    (out / f"{name}2").write_text("a plain file")
    (out / f"{name}3").symlink_to("nowhere")
    (out / f"{name}4").mkdir()
    (out / f"{name}4" / "link").symlink_to(elsewhere)
    published = night(out, stamp())
    assert current(out) == published
    assert not (out / f"{name}4").exists()
    assert (elsewhere / "precious").read_text() == "kept"
    assert (out / ".staging-photos" / "precious").read_text() == "kept"
    with publisher(out) as notes:
        assert len(notes) == 5
        assert all("was left as it is" in note for note in notes)


@pytest.mark.parametrize("hours", [0, 1, 24 * 400])
def test_a_clock_set_back_makes_nothing_older(tmp_path: Path, hours: int):
    night(tmp_path, stamp("run-9"))
    later = replace(stamp("run-2"), created=stamp().created - timedelta(hours=hours))
    newest = night(tmp_path, replace(later, inputs_digest="sha256:other"), text="b")
    assert current(tmp_path) == newest_of(tmp_path, DAY) == newest


@pytest.mark.fault(53)
@pytest.mark.parametrize("lost", [["current"], ["current", "current.json"], ["current.json"]])
def test_a_lost_pointer_never_goes_back(tmp_path: Path, lost: list[str]):
    night(tmp_path, stamp("run-0", date(2024, 5, 1)))
    newest = night(tmp_path, stamp())
    for name in lost:
        (tmp_path / name).unlink()
    older = stamp("run-2", date(2024, 4, 30))
    with pytest.raises(ConfigError, match="before the published 2024-05-02"):
        night(tmp_path, older)
    night(tmp_path, older, backfill=True)
    assert (tmp_path / "current").resolve() == newest.folder
    assert json.loads((tmp_path / "current.json").read_bytes())["run_id"] == newest.run_id


@pytest.mark.parametrize("damage", [b"", b"{", b'{"path": "../../etc"}', b"\xff"])
def test_a_damaged_pointer_is_written_anew(tmp_path: Path, damage: bytes):
    newest = night(tmp_path, stamp())
    (tmp_path / "current.json").write_bytes(damage)
    (tmp_path / "current").unlink()
    night(tmp_path, stamp("run-2", date(2024, 4, 30)), backfill=True)
    assert json.loads((tmp_path / "current.json").read_bytes())["run_id"] == newest.run_id
    assert current(tmp_path) == newest


def test_a_newest_publication_that_is_damaged_is_not_pointed_at(tmp_path: Path):
    whole = night(tmp_path, stamp("run-0", date(2024, 5, 1)))
    newest = night(tmp_path, stamp())
    (newest.folder / "risk_list.csv").write_text("damaged")
    (tmp_path / "current").unlink()
    night(tmp_path, stamp("run-2", date(2024, 4, 30)), backfill=True)
    assert current(tmp_path) == whole
