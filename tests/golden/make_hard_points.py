"""Writes hard_points/*.csv.gz: 2,000 hard points a model to 17 digits by hand: needs mpmath, gmpy2, python-flint.

`make_hard_points.py bg_nbd nbd` makes two of the files, no name all of them; `--check` makes nothing, but finds every
25th point again with twice the digits and twice the nodes, and says how far the files are off.
"""

import csv
import gzip
import io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath as mp
from make_quantities import Precision, bg_nbd, gamma_gamma, mbg_nbd, nbd, pareto_nbd

HERE = Path(__file__).with_name("hard_points")
LEAST = 1e-290
MODELS: dict[str, tuple[Callable, str]] = {
    "nbd": (nbd, "r alpha frequency recency T"),
    "bg_nbd": (bg_nbd, "r alpha a b frequency recency T"),
    "mbg_nbd": (mbg_nbd, "r alpha a b frequency recency T"),
    "pareto_nbd": (pareto_nbd, "r alpha s beta frequency recency T"),
    "gamma_gamma": (gamma_gamma, "p q v frequency monetary_value"),
}


def between(low: float, high: float) -> float:
    """Draw evenly in the logarithm."""
    return 10 ** random.uniform(low, high)


def near_one() -> float:
    return 1 + random.choice([0, 1e-15, 1e-12, -1e-12, 1e-9, 1e-6, -1e-6, 1e-3, -1e-3])


def buying(i: int, most: float) -> tuple[float, float]:
    """r, no greater than 10**most, and alpha, of the i-th set."""
    if i % 8 == 0:  # hardly differ
        r = between(1.5, most)
        return r, r * between(0, 2.5)
    if i % 8 == 1:  # most never buy
        return between(-3, -1.5), between(-1, 2)
    if i % 8 < 5:
        return 0.4 * between(-0.3, 0.3), 50 * between(-0.4, 0.4)
    return between(-2, 1.5), between(-2, 3)


def by_chance(i: int) -> tuple[float, float]:
    """a and b, of the i-th set."""
    kinds: list[Callable[[], tuple[float, float]]] = [
        lambda: (0.79 * between(-0.2, 0.2), 2.4 * between(-0.2, 0.2)),
        lambda: (near_one(), 2.5 * between(-1, 1)),
        lambda: random.choice([(0.2, 0.3), (0.5, 0.5), (0.25, 0.75), (between(-2, -0.5), between(-2, -0.5))]),
        lambda: (between(-4, -1), between(-1, 1)),
        lambda: (between(0, 2), between(0, 2.5)),
        lambda: (between(-0.5, 0.5), between(1, 2.5)),
        lambda: (between(-1.5, 1.5), between(-1.5, 2)),
    ]
    return kinds[i % 7]()


def by_lifetime(i: int) -> tuple[float, float]:
    """s and beta, of the i-th set."""
    kinds: list[Callable[[], tuple[float, float]]] = [
        lambda: (0.6 * between(-0.2, 0.2), 80 * between(-0.4, 0.4)),
        lambda: (near_one(), 80 * between(-1, 1)),
        lambda: (between(-2, -0.2), between(3, 5)),
        lambda: (between(-1, 0.3), between(-2, -1)),
        lambda: (between(-4, -1.5), between(0, 2)),
        lambda: random.choice([(s, s * between(2, 4)) for s in (3, 30, 1e3, 1e5)]),
        lambda: (between(-1.5, 1.5), between(-1, 3.5)),
    ]
    return kinds[i % 7]()


def histories() -> Iterator[tuple[int, float, float]]:
    """Ten of x, t_x, T: new and old, idle and busy, silent for long, for a while and not at all."""
    ages = [
        (0, random.choice([0.0, between(-6, -1)])),
        (0, float(random.randint(1, 400))),
        (0, random.choice([3000.0, between(3.3, 4.3)])),
        (1, random.choice([between(-6, -1), between(0, 3.5)])),
        (random.randint(1, 3), float(random.randint(2, 400))),
        (random.randint(2, 9), random.choice([3000.0, between(0.5, 3.7)])),
        (random.randint(4, 40), between(1, 3.7)),
        (random.randint(20, 300), between(2, 3.7)),
        (random.choice([500, 1500, 2000]), between(2.5, 4)),
        (random.choice([3000, 5000]), random.choice([3000.0, between(3, 4)])),
    ]
    for x, T in ages:
        share = random.choice([0.1, 0.75, 0.95, 0.999, 1.0, random.random()])
        yield x, T * share if x else 0.0, T


def points(name: str) -> Iterator[tuple[float, ...]]:
    random.seed(f"hard points of {name}")
    for i in range(200):
        if name == "gamma_gamma":
            parameters: tuple[float, ...] = (between(-2, 2), 1.01 + between(-3, 1.5), between(-1, 3))
            if i % 5 == 0:
                parameters = random.choice([(between(2, 4), 3.7, 15.4), (6.2, between(2, 5), between(2, 6))])
            for x in (0, 1, 1, 2, 3, 9, 40, 300, 2000, 5000):
                yield *parameters, x, parameters[2] * between(-2, 2) if x else 0.0
        else:
            if name in ("nbd", "pareto_nbd"):
                parameters = *buying(i, 5), *(by_lifetime(i) if name == "pareto_nbd" else ())
            else:
                parameters = *buying(i, 3), *by_chance(i)  # hypergeometric functions beyond take minutes
            yield from ((*parameters, *history) for history in histories())


def told(value: mp.mpf | None) -> float | None:
    if value is None or 0 < abs(value) < LEAST or 1 / LEAST < value < mp.inf:
        return None
    return float(value)


def row(model: Callable, point: tuple[float, ...]) -> dict[str, float | None]:
    """Find everything at a point; None for what does not exist, or is beyond what a double tells well."""
    with mp.workdps(Precision.digits):
        found = model(*map(mp.mpf, point))
    return {name: told(value) for name, value in found.items()}


def make(name: str) -> None:
    model, known = MODELS[name]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for i, point in enumerate(points(name)):
        found = row(model, point)
        if i == 0:
            writer.writerow([*known.split(), *found])
        writer.writerow(["" if value is None else repr(value) for value in (*point, *found.values())])
        if i % 100 == 99:
            print(name, i + 1, flush=True)  # noqa: T201
    with (HERE / f"{name}.csv.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def check(name: str) -> None:
    Precision.digits, Precision.nodes = 2 * Precision.digits, 2 * Precision.nodes
    model, known = MODELS[name]
    with gzip.open(HERE / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    worst = 0.0
    for old in rows[::25]:
        new = row(model, tuple(float(old[key]) for key in known.split()))
        for quantity, value in new.items():
            stored = float(old[quantity]) if old[quantity] else None
            if (stored is None) != (value is None):
                raise ArithmeticError(quantity, old)
            if value is not None and stored != value:
                worst = max(worst, abs(stored / value - 1))
    print(name, worst)  # noqa: T201


def main() -> None:
    names = [name for name in sys.argv[1:] if name != "--check"] or list(MODELS)
    HERE.mkdir(exist_ok=True)
    for name in names:
        (check if "--check" in sys.argv else make)(name)


if __name__ == "__main__":
    main()
