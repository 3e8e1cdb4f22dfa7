"""The files that belong to the repository."""

import subprocess

from tutorial.paths import ROOT

# Their paths below ROOT: what git tracks, and new files that it does not ignore.
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
