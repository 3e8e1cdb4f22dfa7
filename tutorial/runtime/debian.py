"""Installs the Debian packages of programs that the tests need."""

import os
import shutil
import subprocess
import sys


def install(package: str) -> bool:
    """Install the package, if the system is Debian and the user is root.

    Returns whether the installation succeeded.
    """
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    print(f"Installing Debian's {package} ...", file=sys.stderr, flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", package],
    ):
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            print(result.stderr.strip()[-500:], file=sys.stderr)
            return False
    return True
