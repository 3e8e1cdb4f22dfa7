"""The smallest project that `tutorial run` starts: it has no database to migrate."""

import sys

if sys.argv[1:2] != ["migrate"]:
    sys.exit(f"The stub knows no command {sys.argv[1:]}.")
