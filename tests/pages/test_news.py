"""Check that the page "What is new" names the versions that the steps use."""

import re

from tutorial.paths import ROOT
from tutorial.project import steps

NEWS = ROOT / "docs" / "news.md"
SHOWN_AS = {"redis": "redis-py"}


def test_the_page_names_the_version_of_each_package():
    pins = (steps.find("7").folder / "requirements.txt").read_text()
    text = " ".join(NEWS.read_text().split())
    for name, version in re.findall(r"^([\w-]+)==(\d+\.\d+)", pins, re.M):
        shown = f"{SHOWN_AS.get(name, name)} {version}"
        assert re.search(rf"\b{re.escape(shown)}\b", text, re.I), shown


def test_the_entries_are_sorted_with_the_newest_first():
    dates = re.findall(r"^## (\d+) (\w+) (\d{4})$", NEWS.read_text(), re.M)
    months = "January February March April May June July August September October"
    order = [*months.split(), "November", "December"]
    keys = [(int(year), order.index(month), int(day)) for day, month, year in dates]
    assert keys == sorted(keys, reverse=True)
    assert len(keys) == len(set(keys)) > 3
