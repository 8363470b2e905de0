"""`python -m timelapse serve drifting`: a Prometheus that holds hours of history."""

import argparse
import signal
import sys
import time
from pathlib import Path

from timelapse.server import CACHE, RULES, build_blocks, record, running
from timelapse.states import STATES


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="timelapse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a state until Ctrl-C")
    build = commands.add_parser("build", help="write a state's blocks to a folder")
    for command in (serve, build):
        command.add_argument("state", choices=STATES)
        command.add_argument("--rules", type=Path, default=RULES, help="folder of the rule files")
        command.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps what was built")
    serve.add_argument("--port", type=int, default=0)
    build.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "build":
        begin = time.time() - STATES[options.state].history
        build_blocks(record(options.state, options.rules, options.cache), begin, options.output)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running(options.state, rules=options.rules, cache=options.cache, port=options.port) as address:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
