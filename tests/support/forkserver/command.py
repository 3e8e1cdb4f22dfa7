"""`python command.py ...` runs `python -m tutorial ...` in the current folder.

The only difference is that the Python programs of a project are started by forking.
"""

import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]

sys.path[0] = str(Path.cwd())
sys.path.append(str(TESTS))

from support import forkserver  # noqa: E402
from tutorial.runtime import processes  # noqa: E402

processes.popen = forkserver.popen
runpy.run_module("tutorial", run_name="__main__", alter_sys=True)
