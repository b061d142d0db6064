"""Somebody hears of a run that failed, works again or needs a person, and of no night at all."""

import json
import sys
import time
from contextlib import nullcontext

import pytest
import receivers
import yaml
from trees import records

from features.errors import (
    BusyError,
    ConfigError,
    ContractError,
    GateError,
    ModelError,
    PublicationError,
)
from pipelines.config import announcement as notifier
from pipelines.jobs.entry import JOBS, Job

# A library that Apprise brings along asks for a module that is to go.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")

CANARY = "Kari Nordmann, 99887766, kari@example.no"


@pytest.fixture
def web():
    with receivers.web() as server:
        yield server


@pytest.fixture
def config(tmp_path, company, web, monkeypatch):
    """Make a configuration whose notifications go to ``web``, or are as given."""
    monkeypatch.chdir(tmp_path)

    def make(**notifications):
        monkeypatch.setenv("HOOK", f"json://{web.place}/hook?+token=s3cret")
        told = notifications or {"addresses": ["${HOOK}"]}
        company(notifications=told)
        return tmp_path / "config.yaml"

    return make


def run(config, name="nightly", error=None, tone=None):
    def work(run):
        run.record.tone = tone
        if error is not None:
            raise error

    return Job(name, work).start(config)


ENDS = [
    (ConfigError(CANARY), "code 2: The configuration or the command line cannot be", "doctor"),
    (ContractError(CANARY), "code 3: The company's tables break the data contract.", "check"),
    (ModelError(CANARY), "code 4: No usable model", "doctor"),
    (PublicationError(CANARY), "code 5: Storage or publication failed; the last good", "doctor"),
    (GateError(CANARY), "code 6: A quality gate closed; a person must look.", "check"),
    (KeyError(CANARY), "code 1. Next", "doctor"),
    (SystemExit(143), "code 143. Next", "nightly"),
]


@pytest.mark.parametrize(("error", "words", "following"), ENDS)
def test_a_failure_is_told_in_a_sentence_without_anybodys_data(
    config, web, tmp_path, error, words, following
):
    with pytest.raises(type(error)):
        run(config(), "nightly", error)
    (message,) = web.messages()
    (record,) = records(tmp_path / "var", "nightly")
    assert message["title"] == f"Test: nightly failed, exit code {record['exit_code']}"
    assert message["message"].startswith("Test: nightly as of 20")
    assert words in message["message"]
    ending = f"Next: stille {following} --config {tmp_path / 'config.yaml'}."
    assert message["message"].endswith(f"{ending} Run: {record['run_id']}.")
    assert not any(word in json.dumps(message) for word in ("Kari", "9988", "s3cret"))
    assert record["notes"] == []


def test_a_dry_run_is_nobodys_business(config, web):
    path = config(addresses=["${HOOK}"], status="look")
    run(path, "preview", tone="bad")
    with pytest.raises(GateError):
        run(path, "preview", GateError("x"))
    assert web.messages() == []


@pytest.mark.parametrize("name", sorted({*JOBS} - {"preview"}))
def test_every_job_is_heard_of_and_says_once_that_it_works_again(config, web, name):
    path = config()
    run(path, name)
    with pytest.raises(GateError):
        run(path, name, GateError("x"))
    run(path, name)
    run(path, name)
    assert [each["title"] for each in web.messages()] == [
        f"Test: {name} failed, exit code 6",
        f"Test: {name} works again",
    ]


def test_a_busy_run_is_nobodys_business(config, web):
    with pytest.raises(BusyError):
        run(config(), error=BusyError("later"))
    assert web.messages() == []


@pytest.mark.parametrize(
    ("least", "tone", "expected"),
    [("bad", "bad", 1), ("bad", "look", 0), ("look", "look", 1), ("look", "bad", 1)],
)
def test_a_night_at_which_a_person_must_look_is_told(config, web, least, tone, expected):
    run(config(addresses=["${HOOK}"], status=least), tone=tone)
    titles = [each["title"] for each in web.messages()]
    assert len(titles) == expected
    assert all(title.startswith("Test: a person must look at the lists of 20") for title in titles)


def test_a_configuration_that_cannot_be_read_is_told_where_its_addressees_can(
    config, web, tmp_path
):
    path = config()
    document = yaml.safe_load(path.read_text())
    document["sources"]["customers"]["pth"] = "${NOT_SET}/" + CANARY
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError):
        run(path)
    (message,) = web.messages()
    assert message["title"] == "Test: nightly failed, exit code 2"
    assert "Kari" not in json.dumps(message)
    path.write_text("a: [")
    with pytest.raises(ConfigError):
        run(path)
    assert len(web.messages()) == 1


def test_a_run_whose_record_cannot_be_written_is_told(config, web, tmp_path):
    path = config()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "runs").write_text("a file where the folder should be")
    with pytest.raises(PublicationError):
        run(path)
    assert [each["title"] for each in web.messages()] == ["Test: nightly failed, exit code 5"]


def test_mail_and_a_command_get_the_message_and_a_ping_each_good_night(
    config, web, tmp_path, monkeypatch
):
    monkeypatch.setenv("PING", f"http://{web.place}/ping/7")
    with receivers.mail() as mail:
        place = f"127.0.0.1:{mail.server_address[1]}"
        monkeypatch.setenv(
            "MAIL", f"mailto://{place}?mode=insecure&from=a@example.no&to=b@example.no"
        )
        script = "import sys; open('heard', 'a').write(sys.stdin.read())"
        command = [sys.executable, "-c", script]
        path = config(addresses=["${MAIL}"], command=command, ping="${PING}")
        with pytest.raises(GateError):
            run(path, error=GateError(CANARY))
        run(path, "train")
        assert web.requests == []
        run(path)
    assert [(method, place) for method, place, _ in web.requests] == [("GET", "/ping/7")]
    failed, well = mail.letters
    assert "Subject: Test: nightly failed, exit code 6" in failed
    assert "Subject: Test: nightly works again" in well
    heard = (tmp_path / "heard").read_text()
    assert heard.startswith("Test: nightly failed, exit code 6\n\nTest: nightly as of 20")
    assert "Kari" not in heard + failed


@pytest.mark.parametrize("error", [None, GateError("x")])
def test_receivers_that_fail_change_nothing_and_take_ten_seconds_at_most(
    config, tmp_path, monkeypatch, error
):
    assert notifier.PATIENCE_SECONDS < 10
    monkeypatch.setattr(notifier, "PATIENCE_SECONDS", 2.5)
    with receivers.web(status=500) as broken, receivers.silence() as silent:
        for name, place in {"A": broken.place, "B": silent, "C": "127.0.0.1:9"}.items():
            monkeypatch.setenv(name, f"json://{place}/s3cret")
        monkeypatch.setenv("D", "nonsense://s3cret")
        monkeypatch.setenv("PING", f"http://{silent}/s3cret")
        path = config(
            addresses=["${A}", "${B}", "${C}", "${D}"],
            command=[sys.executable, "-c", "import time; time.sleep(60)"],
            ping="${PING}",
        )
        started = time.monotonic()
        with pytest.raises(GateError) if error else nullcontext():
            run(path, error=error, tone="bad")
        assert time.monotonic() - started < 5
    (record,) = records(tmp_path / "var", "nightly")
    assert (record["status"], record["exit_code"]) == (
        ("succeeded", 0) if error is None else ("failed", 6)
    )
    names = [
        *(f"address {n} ({kind})" for n, kind in enumerate(["json"] * 3 + ["nonsense"], 1)),
        "command",
    ]
    names += ["ping"] if error is None else []
    assert record["notes"] == [f"notification not delivered: {name}" for name in names]
    assert "s3cret" not in json.dumps(record)


@pytest.mark.parametrize("error", [None, GateError("x")])
def test_a_defect_of_the_notifier_changes_nothing(config, monkeypatch, tmp_path, error):
    def defect(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("pipelines.config.announcement.deliver", defect)
    path = config()
    with pytest.raises(GateError) if error else nullcontext():
        run(path, error=error)
    (record,) = records(tmp_path / "var", "nightly")
    assert record["exit_code"] == (6 if error else 0)
    path.write_text("sources: 7\n" + path.read_text().replace("sources:", "source:"))
    with pytest.raises(ConfigError, match="sources"):
        run(path)


@pytest.mark.parametrize(
    "notifications",
    [
        {"addresses": ["slack://s3cret/a/b"]},
        {"addresses": ["json://host/${HOOK}"]},
        {"addresses": ["${HOOK:-json://s3cret}"]},
        {"ping": "https://host/s3cret"},
        {"ping": "ftp://host/s3cret"},
    ],
)
def test_an_address_that_is_written_out_is_refused_and_not_repeated(config, notifications):
    with pytest.raises(ConfigError, match="does not belong in a configuration") as refused:
        config(**notifications)
    assert "s3cret" not in str(refused.value)


def test_an_address_of_the_environment_is_not_repeated(config, monkeypatch):
    monkeypatch.setenv("STILLE__NOTIFICATIONS__ADDRESSES", "json://host/s3cret")
    with pytest.raises(ConfigError, match="addresses: found an address") as refused:
        config()
    assert "s3cret" not in str(refused.value)
