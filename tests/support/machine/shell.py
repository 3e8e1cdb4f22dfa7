"""Types the commands of a page into a root shell on the machine.

The variables and the current folder stay the same from one block of commands to the
next.
"""

from support.machine import Machine

STATE = "/root/.shell"  # the file with the variables after the last block


class Shell:
    """Types the commands of a page. `address` is the address of the repository."""

    def __init__(self, machine: Machine, address: object) -> None:
        self.machine = machine
        self.address = address
        self.folder = "/"

    def type(self, block: str, given: str = "") -> str:
        """Type the commands and their input, and return their output."""
        block = block.replace("ADDRESS", str(self.address))
        output = self.machine.run(
            f"set -a\n[ ! -e {STATE} ] || . {STATE}\ncd {self.folder}\n"
            f"{block}\nexport -p > {STATE}\necho; pwd",
            given,
        )
        output, self.folder = output.rstrip().rsplit("\n", 1)
        return output
