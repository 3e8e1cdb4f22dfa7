"""The stand-in as a program: `python -m tutorial.standin --port PORT`."""

import argparse
import contextlib
import signal
import sys

from tutorial.paths import ROOT
from tutorial.standin.passages import Library, read_passages
from tutorial.standin.server import THINKING, StandIn

parser = argparse.ArgumentParser(prog="python -m tutorial.standin", description=__doc__)
parser.add_argument("--port", type=int, required=True)
parser.add_argument(
    "--latency", type=float, default=0.8, help="seconds before an answer begins"
)
parser.add_argument(
    "--pace", type=float, default=0.03, help="seconds between the words of a stream"
)
parser.add_argument(
    "--thinking",
    type=float,
    default=THINKING,
    help="seconds before the first word of `simulate: thinking`",
)
parser.add_argument(
    "--numbered",
    action="store_true",
    help="begin each answer with the number of its question; add no note",
)
options = parser.parse_args()

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = StandIn(
    options.port,
    Library(read_passages(ROOT)),
    options.latency,
    options.pace,
    options.thinking,
    options.numbered,
)
with contextlib.suppress(KeyboardInterrupt):
    server.serve_forever()
