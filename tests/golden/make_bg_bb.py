"""Writes hard_points/bg_bb.csv.gz: BG/BB to 17 digits by mpmath, at 2,000 hard points, by hand: needs mpmath, gmpy2.

Beta functions as they stand in the paper, at enough digits for what cancels; expectations by their closed form, the
residual one by Gauss's continued fraction. `--check` makes nothing, but finds every 25th point again with twice the
digits and by another way, and says how far the file is off.
"""

import csv
import gzip
import io
import multiprocessing
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import gmpy2
import mpmath as mp

FILE = Path(__file__).with_name("hard_points") / "bg_bb.csv.gz"
KNOWN = ("alpha", "beta", "gamma", "delta", "frequency", "recency", "T")
LEAST = 1e-290


def fraction(gamma, delta, z):
    """Sum over k >= 0 of z**k (delta)_k / (gamma + delta)_k, a 2F1, as a continued fraction."""
    with gmpy2.context(precision=mp.mp.prec):
        gamma, b, z = (gmpy2.mpfr(mp.nstr(value, mp.mp.dps + 5)) for value in (gamma, delta, z))
        value, n = 0, 400
        while True:
            tail = gmpy2.mpfr(1)
            for i in range(n, 0, -1):
                j, odd = divmod(i, 2)
                above = (b + j) * (gamma + b - 1 + j) if odd else j * (gamma + j - 1)
                tail = 1 - z * above / ((gamma + b + i - 2) * (gamma + b + i - 1)) / tail
            if abs(1 / tail - value) * 10**22 < 1 / tail:
                return mp.mpf(str(1 / tail))
            value, n = 1 / tail, 2 * n


def stays(gamma, delta, k):
    """B(gamma, delta + k) / B(gamma, delta)."""
    return mp.beta(gamma, delta + k) / mp.beta(gamma, delta) if k else mp.mpf(1)


def silent(alpha, beta, gamma, delta, m):
    """Of a customer alive now, P(alive, no purchase) after m opportunities, and P(gone, no purchase)."""
    term = gamma / (gamma + delta)
    gone = mp.mpf(0)
    for i in range(m):
        gone += term
        term *= (beta + i) * (delta + i) / ((alpha + beta + i) * (gamma + delta + i + 1))
    return stays(alpha, beta, m) * stays(gamma, delta, m), gone


def counted(n, alpha, beta, gamma, delta, m):
    """P(n purchases at the next m opportunities), alive now."""

    def ways(i):
        return mp.binomial(i, n) * mp.beta(alpha + n, beta + i - n) / mp.beta(alpha, beta)

    left = (ways(i) * (stays(gamma, delta, i) - stays(gamma, delta, i + 1)) for i in range(n, m))
    return ways(m) * stays(gamma, delta, m) + mp.fsum(left)


def opportunities(gamma, delta, m):
    """Opportunities among the next m at which a customer alive now is alive."""
    if gamma == 1:
        return mp.fsum(stays(gamma, delta, k) for k in range(1, m + 1))
    return (delta - (delta + m) * stays(gamma, delta, m)) / (gamma - 1)


def found(alpha, beta, gamma, delta, x, t_x, n, *, slowly=False):
    x, t_x, n = int(x), int(t_x), int(n)
    until = mp.beta(alpha + x, beta + t_x - x) / mp.beta(alpha, beta) * stays(gamma, delta, t_x)
    lives, gone = silent(alpha + x, beta + t_x - x, gamma, delta + t_x, n - t_x)
    alive = lives / (lives + gone)
    now = alpha + x, beta + n - x, gamma, delta + n
    buys = alive * now[0] / (now[0] + now[1])
    fade = mp.mpf("1.1") ** (-1 / mp.mpf("365.25"))
    if slowly:
        ever, k, term = mp.mpf(0), 0, mp.mpf(1)
        while term > mp.mpf(10) ** -22 * ever:
            term *= fade * (now[3] + k) / (now[2] + now[3] + k)
            ever, k = ever + term, k + 1
    else:
        ever = fraction(*now[2:], fade) - 1
    return {
        "log_likelihood": mp.log(until * (lives + gone)),
        "alive": alive,
        "alive_in_10": alive * stays(*now[2:], 10),
        "no_purchase_10": 1 - alive + alive * counted(0, *now, 10),
        "one_purchase_10": alive * counted(1, *now, 10),
        "five_purchases_10": alive * counted(5, *now, 10),
        "purchases_10": buys * opportunities(*now[2:], 10),
        "purchases_20_50": buys * (opportunities(*now[2:], 50) - opportunities(*now[2:], 20)),
        "discounted_50": buys * mp.fsum(fade**k * stays(*now[2:], k) for k in range(1, 51)),
        "discounted": buys * ever,
        "residual": buys * now[3] / (gamma - 1) if gamma > 1 else None,
    }


def between(low: float, high: float) -> float:
    """Draw evenly in the logarithm."""
    return 10 ** random.uniform(low, high)


def near_one() -> float:
    return 1 + random.choice([0, 1e-15, 1e-12, -1e-12, 1e-9, 1e-6, -1e-6, 1e-3, -1e-3])


def buying(i: int) -> tuple[float, float]:
    """alpha and beta, of the i-th set."""
    if i % 5 == 0:  # hardly differ
        alpha = between(2, 6)
        return alpha, alpha * between(-2, 2)
    if i % 5 == 1:  # always or never
        return between(-4, -1), between(-4, -1)
    if i % 5 == 2:
        return 1.2 * between(-0.3, 0.3), 0.75 * between(-0.3, 0.3)
    return between(-2, 2), between(-2, 3)


def leaving(i: int) -> tuple[float, float]:
    """gamma and delta, of the i-th set."""
    if i % 7 == 0:
        return 0.66 * between(-0.3, 0.3), 2.8 * between(-0.3, 0.3)
    if i % 7 == 1:
        return near_one(), between(-1, 3)
    if i % 7 == 2:  # at once, or hardly ever
        return between(-3, -1), between(-5, -1)
    if i % 7 == 3:  # hardly ever
        return between(-5, -1), between(0, 4)
    if i % 7 == 4:  # hardly differ
        gamma = between(1, 6)
        return gamma, gamma * between(-2, 4)
    return between(-1.5, 1.5), between(-2, 3)


def histories() -> Iterator[tuple[int, int, int]]:
    """Ten of x, t_x, T: new and old, idle and busy, silent for long, for a while and not at all."""
    spans = [(0, 0), (0, random.randint(1, 12)), (0, random.choice([300, 3000])), (1, 1), (1, random.randint(2, 60))]
    spans += [(random.randint(2, 6), 6), (random.randint(2, 12), random.randint(12, 60))]
    spans += [(random.randint(20, 300), 365), (random.choice([500, 1500]), 2000)]
    spans.append((random.choice([3, 2500, 3000]), 3000))
    for x, T in spans:
        share = random.choice([0.0, 0.1, 0.75, 0.95, 1.0, random.random()])
        yield x, x + round(share * (T - x)) if x else 0, T


def points() -> Iterator[tuple[float, ...]]:
    random.seed("hard points of bg_bb")
    for i in range(200):
        parameters = *buying(i), *leaving(i)
        yield from ((*parameters, *history) for history in histories())


def row(point: tuple[float, ...], digits: int = 50, **ways: bool) -> dict[str, float | None]:
    """Find everything at a point; None for what does not exist, or is less than a double can tell."""
    with mp.workdps(digits):
        values = found(*map(mp.mpf, point), **ways)
    return {
        name: None if value is None or 0 < abs(value) < LEAST or abs(value) > 1 / LEAST else float(value)
        for name, value in values.items()
    }


def make() -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    asked = list(points())
    with multiprocessing.Pool() as pool:
        rows = pool.map(row, asked, chunksize=10)
    writer.writerow([*KNOWN, *rows[0]])
    for point, values in zip(asked, rows, strict=True):
        writer.writerow(["" if value is None else repr(value) for value in (*point, *values.values())])
    with FILE.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def check() -> None:
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    worst = 0.0
    for old in rows[::25]:
        for name, value in row(tuple(float(old[key]) for key in KNOWN), 100, slowly=True).items():
            stored = float(old[name]) if old[name] else None
            if (stored is None) != (value is None):
                raise ArithmeticError(name, old)
            if value is not None and stored != value:
                worst = max(worst, abs(stored / value - 1))
    print(worst)  # noqa: T201


if __name__ == "__main__":
    check() if "--check" in sys.argv else make()
