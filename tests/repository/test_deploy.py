"""The deployment files of `final/` agree with its Procfile and its settings."""

import json
import re
import shlex

import pytest
import yaml

from tutorial.paths import ROOT
from tutorial.project import procfile

FINAL = ROOT / "final"
COMPOSE = yaml.safe_load((FINAL / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def procfile_command(name: str) -> list[str]:
    """Return the arguments of a command in the Procfile, with its default port."""
    line = procfile.processes(FINAL)[name]
    return shlex.split(re.sub(r"\$\{PORT:-(\d+)\}", r"\1", line))


def test_the_image_starts_the_web_process_as_the_procfile_does():
    dockerfile = (FINAL / "Dockerfile").read_text().replace("\\\n", "")
    command = json.loads(re.search(r"^CMD (.+)$", dockerfile, re.M)[1])
    # A container must listen on all of its own addresses.
    assert command[2:4] == ["--host", "0.0.0.0"]
    assert command[:2] + command[4:] == procfile_command("web")


def test_compose_starts_the_worker_with_the_command_of_the_procfile():
    assert shlex.split(SERVICES["worker"]["command"]) == procfile_command("worker")


def test_the_image_does_not_run_as_root():
    last_user = re.findall(r"^USER (.+)$", (FINAL / "Dockerfile").read_text(), re.M)[-1]
    assert last_user not in ("root", "0")


@pytest.mark.parametrize("name", ["migrate", "web", "worker"])
def test_compose_has_no_default_for_a_secret(name):
    environment = SERVICES[name]["environment"]
    assert (
        not {"SECRET_KEY", "OPENAI_API_KEY", "DATABASE_PASSWORD"} & environment.keys()
    )
    password = SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${DATABASE_PASSWORD:?")


@pytest.mark.parametrize("name", ["migrate", "web", "worker"])
def test_compose_passes_every_setting_in_the_env_file(name):
    service = SERVICES[name]
    assert service["env_file"] == [{"path": ".env", "format": "raw"}]
    # Only these settings depend on the containers.
    assert set(service["environment"]) == {
        *("DATABASE_URL", "REDIS_URL", "REDIS_PASSWORD"),
        *("ALLOWED_HOSTS", "FORWARDED_ALLOW_IPS"),
    }


def test_compose_builds_one_image_and_can_run_several_web_processes():
    images = {SERVICES[name]["image"] for name in ("migrate", "web", "worker")}
    assert len(images) == 1
    assert re.fullmatch(r"[\d.]+:8000-80\d\d:8000", *SERVICES["web"]["ports"])


def test_compose_waits_longer_than_a_process_takes_to_stop():
    settings = (FINAL / "config" / "settings.py").read_text()
    grace = float(re.search(r'"SEARCH_GRACE_SECONDS", ([\d.]+)', settings)[1])
    assert int(SERVICES["worker"]["stop_grace_period"].rstrip("s")) > grace
    web = procfile_command("web")
    graceful = int(web[web.index("--timeout-graceful-shutdown") + 1])
    assert int(SERVICES["web"]["stop_grace_period"].rstrip("s")) > graceful


def test_every_redis_keeps_its_messages_when_memory_is_short():
    pages = [path.read_text() for path in (ROOT / "docs").glob("*.md")]
    files = [(FINAL / "compose.yaml").read_text(), *pages]
    policies = re.findall(r"--?maxmemory-policy[ =](\w[\w-]*)", "\n".join(files))
    assert len(policies) >= 2
    assert set(policies) == {"noeviction"}


def test_only_the_app_can_be_reached_from_outside():
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_the_example_env_file_lists_the_variables_that_the_settings_read():
    listed = set(
        re.findall(r"^#?([A-Z_]+)=", (FINAL / ".env.example").read_text(), re.M)
    )
    config = "\n".join(path.read_text() for path in (FINAL / "config").glob("*.py"))
    functions = "text|required|boolean|positive|origins"
    read = set(re.findall(rf'\b(?:{functions})\(\s*"([A-Z_]+)"', config))
    # The command that starts the processes sets these two, so they are not listed.
    assert read - {"PORT", "CSRF_TRUSTED_ORIGINS"} <= listed
    assert listed - read == {"OPENAI_API_KEY"}
