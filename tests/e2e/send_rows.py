"""Sends a part of `rows.rows` with the OpenTelemetry SDK; the program behind `test_volume`.

    python send_rows.py PROTOCOL ENDPOINT MODEL ROWS SEED SHIFT PART PARTS

Every PARTS-th row from row PART on is sent; the exit code is 1 when an export failed.
"""

import sys
from itertools import islice

from e2e.python_sdk import Client
from e2e.rows import rows


def main(arguments: list[str]) -> int:
    """Send; the exit code."""
    protocol, endpoint, model, count, seed, shift, part, parts = arguments
    client = Client(protocol, endpoint, compression="none", model=model, traced=False)
    mine = islice(rows(int(count), seed=int(seed), shift=float(shift)), int(part), None, int(parts))
    client.send(mine, first_id=int(part) * 10**9)
    return 1 if client.close() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
