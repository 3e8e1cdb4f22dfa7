"""Check the settings that apply only in GitHub Codespaces."""

import json
import re

from tutorial.paths import ROOT
from tutorial.runtime import codespaces


def test_outside_codespaces_there_is_no_address_and_no_variable(monkeypatch):
    monkeypatch.delenv("CODESPACES", raising=False)
    assert codespaces.address(8000) is None
    assert codespaces.variables(8000) == {}


def test_the_devcontainer_opens_the_usual_port():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["forwardPorts"] == [8000]
    assert container["portsAttributes"]["8000"]["onAutoForward"] == "openBrowser"
    # The container sets this variable for steps that are started by hand. `run` itself
    # sets the variable for the port that `run` uses.
    origins = container["remoteEnv"]["CSRF_TRUSTED_ORIGINS"]
    assert origins == "https://localhost:8000"
    image = ROOT / ".devcontainer" / container["build"]["dockerfile"]
    minor = int(re.search(r"^FROM python:3\.(\d+)", image.read_text(), re.M)[1])
    assert 11 <= minor <= 14
