"""The files that belong to the repository."""

import subprocess

from tutorial.paths import ROOT

# The paths, relative to ROOT, of the files that git tracks, and of new files that git
# does not ignore.
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
