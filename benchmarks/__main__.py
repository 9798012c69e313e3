"""`python -m benchmarks [ID ...]` measures bars and writes out/bench/ID.json; `--list` lists them."""

from __future__ import annotations

import sys

from benchmarks import accuracy, speed

BARS = {bar.id: bar for bar in [*accuracy.BARS, *speed.BARS]}


def main(arguments: list[str]) -> int:
    if "--list" in arguments:
        for bar in BARS.values():
            print(f"{bar.id:20} {bar.better} {bar.threshold:g}  {bar.claim}")
        return 0
    unknown = [name for name in arguments if name not in BARS]
    if unknown:
        print(f"no bar {unknown[0]!r}; make bench-list lists them")
        return 2
    missed = sum(not BARS[name].run() for name in arguments or BARS)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
