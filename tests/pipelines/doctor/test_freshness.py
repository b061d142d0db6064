"""``stille status``: how old the published lists are, and who hears when no night came."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import receivers
from publishing import SCHEMAS
from stamps import STAMP

from pipelines.publication.publish import publish, publisher, staging_folder
from pipelines.publication.reader import Publication

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


@pytest.fixture
def config(tmp_path, company, monkeypatch):
    with receivers.web() as server:
        monkeypatch.setenv("HOOK", f"json://{server.place}")
        told = {"addresses": ["${HOOK}"]}
        paths = {name: str(tmp_path / name) for name in ("data", "var", "out")}
        company(notifications=told, paths=paths)
        yield tmp_path / "config.yaml", server


def publish_night(out, age, as_of=date(2024, 5, 2), tone="good"):
    out.mkdir(exist_ok=True)
    run_id = f"nightly-{as_of:%d}"
    notices = [] if tone == "good" else [{"tone": tone, "code": "degraded", "figure": 1}]
    made = datetime.now(UTC) - age
    facts = {"status": {"tone": tone, "notices": notices}}
    stamp = replace(STAMP, as_of=as_of, run_id=run_id, created=made, facts=facts)
    publication = Publication(out, as_of, run_id)
    with publisher(out), staging_folder(publication) as folder:
        (folder / "risk_list.csv").write_text("customer_id\n1\n")
        publish(publication, stamp, SCHEMAS)


def end_night(var, run_id, status, code):
    (var / "runs").mkdir(parents=True, exist_ok=True)
    record = {"status": status, "exit_code": code}
    (var / "runs" / f"{run_id}.json").write_text(json.dumps(record))


def test_the_age_of_the_lists_and_the_end_of_the_newest_night(config, stille, tmp_path):
    path, _ = config
    publish_night(tmp_path / "out", timedelta(hours=5), tone="look")
    end_night(tmp_path / "var", "nightly-20240502", "succeeded", 0)
    end_night(tmp_path / "var", "nightly-20240503", "failed", 3)
    ended = stille("status", "--config", path, "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == {
        "company": "Test",
        "as_of": "2024-05-02",
        "age_hours": 5.0,
        "status": "look",
        "last_night": "nightly-20240503",
        "last_status": "failed",
        "exit_code": 3,
    }
    shown = stille("status", "--config", path).out
    assert "2024-05-02" in shown
    assert "nightly-20240503" in shown


def test_a_night_that_did_not_come_is_told_once_and_so_is_that_nights_come_again(
    config, stille, tmp_path
):
    path, web = config
    asked = ("status", "--config", path, "--within", "26")
    publish_night(tmp_path / "out", timedelta(hours=27))
    end_night(tmp_path / "var", "nightly-1", "failed", 3)
    for _ in range(2):
        ended = stille(*asked)
        assert ended.code == 6
        assert f"no lists of the last 26 hours. Next: stille doctor --config {path}" in ended.err
    (message,) = web.messages()
    assert message["title"] == "Test: no night for 26 hours"
    assert message["message"] == (
        "Test: newest lists: 2024-05-02; newest night: failed. "
        f"Next: stille doctor --config {path}."
    )
    publish_night(tmp_path / "out", timedelta(hours=1), date(2024, 5, 3))
    assert stille(*asked).code == 0
    assert stille(*asked).code == 0
    assert [each["title"] for each in web.messages()[1:]] == ["Test: nights come again"]


def test_no_night_at_all_is_overdue_and_told_until_somebody_heard(config, stille):
    path, web = config
    web.status = 500
    assert stille("status", "--config", path).code == 0
    asked = ("status", "--config", path, "--within", "26")
    assert stille(*asked).code == 6
    web.status = 200
    assert stille(*asked).code == 6
    assert stille(*asked).code == 6
    titles = [each["title"] for each in web.messages()]
    assert titles == ["Test: no night for 26 hours"] * 2


def test_lists_of_this_minute_are_late_within_no_hours(config, stille, tmp_path):
    path, _ = config
    publish_night(tmp_path / "out", timedelta())
    assert stille("status", "--config", path, "--within", "0").code == 6


def test_lists_that_cannot_be_read_count_as_none(config, stille, tmp_path):
    path, web = config
    publish_night(tmp_path / "out", timedelta(hours=1))
    (tmp_path / "out" / "2024-05-02" / "nightly-02" / "datapackage.json").write_text("{")
    ended = stille("status", "--config", path, "--within", "26", "--json")
    facts = json.loads(ended.out)
    assert (ended.code, facts["age_hours"], facts["status"]) == (6, None, "cannot be read")
    assert [each["title"] for each in web.messages()] == ["Test: no night for 26 hours"]


def test_log_lines_are_json_on_wish(config, root, tmp_path, monkeypatch):
    path, _ = config
    (tmp_path / "data" / "customers.csv").unlink()
    monkeypatch.setenv("STILLE_LOG_FORMAT", "json")
    command = [sys.executable, "-m", "stille", "check", "--config", path]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    (run_id,) = [each.stem for each in (tmp_path / "var" / "runs").glob("*.json")]
    logged = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {each["level"] for each in logged[:-1]} == {"INFO"}
    assert logged[0]["message"].startswith("check as of 20")
    assert logged[-2]["message"] == "failed, exit code 3"
    assert (logged[-1]["level"], "customers.csv" in logged[-1]["message"]) == ("ERROR", True)
    for each in logged:
        assert (each["run_id"], each["company"]) == (run_id, "Test")
        assert datetime.fromisoformat(each["time"]).tzinfo is UTC


def test_a_crash_is_one_log_line_without_the_words_of_its_error(tmp_path, root):
    script = (
        "import sys; sys.argv = ['stille', 'doctor']\n"
        "from pipelines.cli import app, data\n"
        "import pipelines.doctor.doctor as doctor\n"
        "def crash(config): raise ValueError('Kari Nordmann')\n"
        "doctor.examine = crash\n"
        "app.main()\n"
    )
    command = [sys.executable, "-c", script]
    told = {"STILLE_LOG_FORMAT": "json", "PATH": "", "PYTHONPATH": str(root)}
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=told
    )
    assert ended.returncode == 1
    (line,) = [json.loads(line) for line in ended.stderr.splitlines()]
    assert (line["level"], line["message"].splitlines()[0]) == ("CRITICAL", "ValueError")
    assert "in crash" in line["message"]
    assert "Kari" not in ended.stderr
