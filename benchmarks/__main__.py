"""`python -m benchmarks [ID ...]` measures bars and writes out/bench/ID.json; `--list` lists them."""

from __future__ import annotations

import sys

from benchmarks import (
    accuracy,
    cold,
    delivery,
    features,
    hard_points,
    intervals,
    kernel,
    nasty,
    rfm,
    scale,
    speed,
    training,
)

ALL = [
    *accuracy.BARS,
    *intervals.BARS,
    *nasty.BARS,
    *hard_points.BARS,
    *speed.BARS,
    *kernel.BARS,
    *scale.BARS,
    *rfm.BARS,
    *features.BARS,
    *training.BARS,
    *cold.BARS,
    *delivery.BARS,
]
BARS = {bar.id: bar for bar in ALL}


def main(arguments: list[str]) -> int:
    if "--list" in arguments:
        for bar in ALL:
            print(f"{bar.id:22} {bar.bar:12} {bar.claim}")
        return 0
    unknown = [name for name in arguments if name not in BARS]
    if unknown:
        print(f"no bar {unknown[0]!r}; make bench-list lists them")
        return 2
    missed = sum(not BARS[name].run() for name in arguments or BARS)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
