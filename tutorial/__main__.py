# This file must also run on an old Python, to print which version is needed.
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This tutorial needs Python 3.11 or newer, and this is Python %d.%d.\n"
        "Install a newer one, then start it by its name, for example:"
        " python3.12 -m tutorial run" % sys.version_info[:2]
    )
if sys.platform == "win32":
    sys.exit(
        "This tutorial needs Linux or macOS: Redis does not run on Windows itself.\n"
        "Install WSL (wsl --install), open its terminal, clone the tutorial there, in\n"
        "your home folder and not under /mnt/c, and start it in that clone."
    )

from tutorial.cli import main

main()
