"""Each entry of the mutation table still fits the file that it changes."""

import tomllib

import pytest

from tutorial.paths import ROOT

MUTANTS = tomllib.loads((ROOT / "tests/mutation/mutants.toml").read_text())["mutant"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["id"])
def test_the_old_text_of_a_mutant_occurs_once_in_each_of_its_files(mutant):
    found = {path: path.read_text() for path in ROOT.glob(mutant["file"])}
    assert found
    assert {path: text.count(mutant["old"]) for path, text in found.items()} == (
        dict.fromkeys(found, 1)
    )
