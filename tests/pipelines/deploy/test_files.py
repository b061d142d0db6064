"""What operators copy from ``deploy`` and ``docs/operate.md``: every command, name and place."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import prefect.settings
import pytest
import yaml
from command_lines import lines_of, mlflow, refused
from programs import required

from features.errors import StilleError
from pipelines.cli.options import app
from pipelines.config.sections import Notifications

ROOT = Path(__file__).parents[3]
DEPLOY, PAGE = ROOT / "deploy", ROOT / "docs" / "operate.md"
UNITS = DEPLOY / "systemd"
STILLE = "/opt/stille/current/.venv/bin/stille"
CRONS = {"nightly", "train", "monitor", "effect", "recalibrate", "status"}


def fenced(language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", PAGE.read_text("utf-8"), re.M | re.S)


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text("utf-8")))


def known(variable):
    from mlflow import environment_variables

    text = "".join(path.read_text("utf-8") for path in (ROOT / "pipelines").rglob("*.py"))
    return (
        any(hasattr(module, variable) for module in (prefect.settings, environment_variables))
        or variable in {option.envvar for option in mlflow().commands["server"].params}
        or f'"{variable}"' in text
    )


def test_every_command_of_the_page_is_one():
    text = "".join(fenced("sh")) + (UNITS.parent / "backup.sh").read_text("utf-8")
    commands = [*lines_of(text)]
    assert len(commands) >= 7
    spoken = re.findall(r"`((?:stille|prefect|mlflow) [^`]*)`", PAGE.read_text("utf-8"))
    wanting = {"stille forget": "stille forget 7"}
    for line in [*commands, *(wanting.get(each, each) for each in spoken)]:
        if not line.startswith("stille serve") and "…" not in line:
            words = shlex.split(line, comments=True)
            assert refused([word for word in words if word != "--help"]) is None, line


def test_the_page_names_files_that_are_there_and_every_exit_code():
    text = PAGE.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (PAGE.parent / target).exists(), target
    codes = set(re.findall(r"\d+", " ".join(re.findall(r"^\| ([\d, ]+) \|", text, re.M))))
    assert {str(kind.exit_code) for kind in StilleError.__subclasses__()} <= codes
    (told,) = [each.replace("${", "https://${") for each in fenced("yaml") if "addresses" in each]
    assert Notifications(**yaml.safe_load(told)["notifications"]).status == "bad"


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*@*")))
def test_a_unit_is_one_that_systemd_takes(unit, tmp_path):
    analyze = required(
        "systemd-analyze", shutil.which("systemd-analyze"), "apt-get install systemd"
    )
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob("*.service"):
        text = path.read_text("utf-8")
        lines = re.findall(r"^ExecStart=-?(.*)$", text, re.M)
        assert lines
        for line in lines:
            assert line.startswith(f"{STILLE} ")
            assert refused(shlex.split(line)) is None
        path.write_text(text.replace(STILLE, "/bin/true"))
    environment = {"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"}
    command = [analyze, "verify", "--man=no", tmp_path / unit]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nights_begin_after_the_hour_that_clock_changes_touch():
    hours = [
        int(hour)
        for path in UNITS.glob("*.timer")
        for hour in re.findall(r"^OnCalendar=.* (\d\d):\d\d:\d\d$", path.read_text("utf-8"), re.M)
    ]
    crons = [words[1] for words in cron_lines()]
    jobs = [item["spec"] for item in kubernetes() if item["kind"] == "CronJob"]
    assert all(ZoneInfo(each["timeZone"]) for each in jobs)
    crons += [hour for each in jobs for hour in each["schedule"].split()[1].split(",")]
    assert len(hours) == 5
    assert min(*hours, *map(int, crons)) >= 3


def cron_lines():
    lines = (DEPLOY / "cron" / "stille").read_text("utf-8").splitlines()
    return [line.split(None, 6) for line in lines if re.match(r"\d", line)]


def test_cron_runs_every_run_as_a_user_of_its_own():
    said = [words[6] for words in cron_lines()]
    assert {words[5] for words in cron_lines()} == {"stille"}
    commands = [shlex.split(each.partition("$STILLE")[2].partition(">")[0]) for each in said]
    assert {words[0] for words in commands} == CRONS
    assert all(refused(["stille", *words]) is None for words in commands)


def test_a_line_of_cron_runs_in_the_release_with_the_companys_secrets(tmp_path):
    program = tmp_path / "opt/stille/current/.venv/bin/stille"
    secrets = tmp_path / "etc/stille/acme.env"
    for path in (program, secrets):
        path.parent.mkdir(parents=True)
    program.write_text(
        '#!/bin/sh\necho first rows\necho "$PWD" "$STILLE_MAIL" "$(umask)" "$@" >&2\n'
    )
    program.chmod(0o755)
    secrets.write_text("STILLE_MAIL=mailtos://host\n")
    text = (DEPLOY / "cron" / "stille").read_text("utf-8")
    text = re.sub(r"/(opt|etc)/stille", rf"{tmp_path}/\1/stille", text)
    given = dict(re.findall(r"^([A-Z]+)=(.*)$", text, re.M))
    line = next(each for each in text.splitlines() if each.startswith("15 4")).split(None, 6)[6]
    command = [given["SHELL"], "-c", line]
    ended = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    config = f"{tmp_path}/etc/stille/acme.yaml"
    folder = f"{tmp_path}/opt/stille/current"
    expected = f"{folder} mailtos://host 0077 nightly --plain --config {config}\n"
    assert (ended.stdout, ended.stderr) == ("", expected)


def kubernetes():
    return documents("kubernetes/stille.yaml")[0]["items"]


def test_pods_may_do_nothing_but_their_run():
    pods = [
        item["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        for item in kubernetes()
        if item["kind"] == "CronJob"
    ]
    [worker] = documents("kubernetes/prefect-worker.yaml")
    claims = {i["metadata"]["name"] for i in kubernetes() if i["kind"] == "PersistentVolumeClaim"}
    for pod in [*pods, worker["spec"]["template"]["spec"]]:
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not pod["automountServiceAccountToken"]
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["volumes"]}
        assert {v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"][:1]} <= claims
        command = [*container.get("command", ["stille"]), *container.get("args", [])]
        assert refused(command) is None
        assert all(known(each["name"]) for each in container.get("env", []))
    assert {pod["containers"][0]["args"][0] for pod in pods} == CRONS


def test_compose_starts_what_there_is_and_opens_nothing_to_the_net():
    [compose] = documents("compose.yaml")
    services = compose["services"]
    assert set(services) == {"postgres", "prefect", "mlflow", "worker"}
    for name, service in services.items():
        assert not re.search(r"[./]", service["image"].partition(":")[0])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        volumes = {v.partition(":")[0] for v in service.get("volumes", [])}
        assert {v for v in volumes if not v.startswith(".")} <= set(compose["volumes"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("depends_on", {})) <= set(services)
        assert name == "postgres" or service["read_only"]
        if name != "postgres":
            assert all(known(each) for each in service["environment"])
    lines = [services[name]["command"][0] for name in ("prefect", "mlflow")]
    commands = [shlex.split(line.rpartition("exec ")[2].replace("$$", "")) for line in lines]
    commands += [services["worker"]["entrypoint"], services["worker"]["healthcheck"]["test"][1:]]
    for words in commands:
        assert refused(words) is None
    exported = re.findall(r"export (\w+)=", " ".join(lines))
    assert len(exported) == 2
    assert all(map(known, exported))
    databases = (DEPLOY / "postgres.sql").read_text("utf-8")
    assert {"create database prefect;", "create database mlflow;"} <= set(databases.splitlines())


def test_the_commands_that_take_a_configuration_take_it_from_the_environment(monkeypatch):
    import typer

    commands = typer.main.get_command(app).commands
    options = [p for each in commands.values() for p in each.params if p.name == "config"]
    assert len(options) > 15
    assert {each.envvar for each in options} == {"STILLE_CONFIG"}
