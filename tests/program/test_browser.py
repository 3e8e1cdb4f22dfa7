"""The program chooses a browser that starts."""

from tutorial.runtime import browser


def test_a_browser_that_does_not_start_is_not_chosen(monkeypatch, tmp_path):
    """On Ubuntu, chromium-browser may be a script that only says how to install it."""
    stub = tmp_path / "chromium-browser"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    real = tmp_path / "google-chrome"
    monkeypatch.delenv(browser.BROWSER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(browser, "SYSTEM_BROWSERS", (stub.name, real.name))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    assert browser.present_browser() is None
    real.write_text("#!/bin/sh\nexit 0\n")
    real.chmod(0o755)
    assert browser.present_browser() == str(real)
