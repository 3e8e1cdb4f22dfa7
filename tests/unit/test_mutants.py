"""Each entry of the mutation table still fits the file that it changes."""

import re
import tomllib

import pytest

from tutorial.paths import ROOT

# A mutant selects its tests by words from their names. If a file, such as a patch, is
# the parameter of a test, the name of the test contains the name of the file.
FILES = [
    path
    for folder in ("tests", "final", "tutorial")
    for path in (ROOT / folder).rglob("*.*")
]
FUNCTIONS = [
    name
    for path in FILES
    if path.name.startswith("test_") and path.suffix == ".py"
    for name in re.findall(r"def (test_\w+)", path.read_text())
]
NAMES = "\n".join([*FUNCTIONS, *(path.stem for path in FILES)])
MUTANTS = tomllib.loads((ROOT / "tests/mutation/mutants.toml").read_text())["mutant"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["id"])
def test_the_old_text_of_a_mutant_occurs_once_in_each_of_its_files(mutant):
    found = {path: path.read_text() for path in ROOT.glob(mutant["file"])}
    assert found
    assert {path: text.count(mutant["old"]) for path, text in found.items()} == (
        dict.fromkeys(found, 1)
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["id"])
def test_each_mutant_selects_tests_that_exist(mutant):
    words = {*re.findall(r"\w+", mutant["tests"])} - {"and", "or", "not"}
    assert not [word for word in words if len(word) > 1 and word not in NAMES]
