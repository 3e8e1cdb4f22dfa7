"""SSH: how a browser on another machine reaches the pages of this machine.

The pages are served only on 127.0.0.1, because they run in Django's debug mode and let
in everybody who reaches them. A tunnel lets one person in, and the address in that
person's browser is one that Django and Channels expect.
"""

import os


def command(*ports: int) -> str | None:
    """Return the command to type on the machine with the browser.

    Returns None if this terminal is not remote or belongs to Visual Studio Code.
    """
    connection = os.environ.get("SSH_CONNECTION", "").split()
    if len(connection) != 4 or os.environ.get("TERM_PROGRAM") == "vscode":
        return None  # no SSH, or Visual Studio Code, which makes a tunnel itself
    host, port = connection[2:]
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    words = ["ssh", "-N", *(f"-L {one}:127.0.0.1:{one}" for one in ports)]
    if port != "22":
        words.append(f"-p {port}")
    return " ".join([*words, f"{user}@{host}" if user else host])
