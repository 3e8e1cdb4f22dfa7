"""A root shell on the machine. Between commands, it keeps its variables and folder."""

from support.machine import Machine

STATE = "/root/.shell"  # the file in which the shell keeps its variables


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
