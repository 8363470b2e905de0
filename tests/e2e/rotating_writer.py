"""Writes prediction logs at a steady rate and rotates them; a process of its own, which a test starts.

Usage: rotating_writer.py FILE MODEL LINES RATE ROTATE_AT HOW SEED
"""

import json
import random
import shutil
import sys
import time
from pathlib import Path


def shift(path: Path) -> None:
    """Make room for a first old file."""
    numbers = [int(old.name.rpartition(".")[2]) for old in path.parent.glob(f"{path.name}.*")]
    for number in sorted(numbers, reverse=True):
        path.with_name(f"{path.name}.{number}").rename(path.with_name(f"{path.name}.{number + 1}"))


def rotate(path: Path, how: str) -> None:
    """As logrotate does, with `create` or with `copytruncate`."""
    shift(path)
    old = path.with_name(f"{path.name}.1")
    if how == "rename":
        path.rename(old)
        path.touch()
    else:
        shutil.copyfile(path, old)
        with path.open("r+b") as file:
            file.truncate(0)


def main() -> None:
    """Write all lines."""
    file, model, lines, rate, rotate_at, how, seed = sys.argv[1:]
    path, chance = Path(file), random.Random(seed)  # noqa: S311  # chance, not secrecy
    begun, limit = time.monotonic(), int(rotate_at)
    path.touch()
    for number in range(int(lines)):
        features = {"number": number, "amount": round(chance.gauss(0, 1), 6), "note": "x" * chance.randint(0, 200)}
        line = json.dumps({"model": model, "version": "1", "features": features, "prediction": "a"}) + "\n"
        with path.open("a") as output:
            cut = chance.randrange(len(line)) if chance.random() < 0.01 else len(line)
            output.write(line[:cut])
            output.flush()
            output.write(line[cut:])
        if path.stat().st_size > limit:
            rotate(path, how)
        ahead = begun + number / float(rate) - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)


if __name__ == "__main__":
    main()
