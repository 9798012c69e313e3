"""Writes bg_nbd.json: BG/NBD quantities to 16 digits by mpmath, at hard points. Run once, by hand: needs mpmath.

V = integral of exp(-d u) v(u) du, v(u) = s/A * 2F1(s + 1, a; a + b + x; -u/A), s = r + x, A = alpha + T;
the hypergeometric function by Pfaff's transformation, whose terms do not cancel.
"""

import json
import random
from pathlib import Path

import mpmath as mp

mp.mp.dps = 25

CDNOW = (0.2426, 4.4136, 0.7929, 2.4259)


def rate(u, r, alpha, a, b, x, T):
    s, A, w = r + x, alpha + T, u / (alpha + T)
    return s / A * (1 + w) ** -a * mp.hyp2f1(a + b - r - 1, a, a + b + x, w / (1 + w))


def purchases(start, end, discount, *point):
    """Integrate by Gauss-Legendre over pieces of time that grow by half."""
    if end is None:
        end = start + 50 / discount
    ends, step = [mp.mpf(start)], mp.mpf("0.25") * min(1, point[1] + point[5])
    while ends[-1] + step < end:
        ends.append(ends[-1] + step)
        step *= mp.mpf("1.5")
    return mp.quad(
        lambda u: mp.exp(-discount * u) * rate(u, *point), [*ends, end], method="gauss-legendre", maxdegree=4
    )


def alive(r, alpha, a, b, x, T, t_x):
    if x == 0:
        return mp.mpf(1)
    return 1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x))


def points():
    random.seed(20)
    yield from ((*CDNOW, x, T) for x, T in [(0, 38.86), (2, 38.86), (29, 27.0), (0, 0.0), (1, 1 / 7)])
    for a in (1.0, 1 + 1e-12, 0.999999, 0.3, 2.0):
        yield from ((0.25, 30.0, a, 2.5, x, 200.0) for x in (0, 3))
    yield from ((0.25, 30.0, 0.2, 0.3, x, 200.0) for x in (0, 1))
    yield from ((0.5, 10.0, 0.8, 2.5, x, 3000.0) for x in (0, 1, 500, 2000, 5000))
    yield from ((40.0, 900.0, 80.0, 300.0, x, 500.0) for x in (0, 20))
    yield from ((1e6, 3e7, 0.8, 2.4, x, 300.0) for x in (0, 9))
    yield from ((0.3, 20.0, 1e-4, 5.0, x, 300.0) for x in (0, 9))
    yield from ((0.3, 20.0, 0.8, 2000.0, x, 300.0) for x in (0, 9))
    for _ in range(30):
        r, alpha = 10 ** random.uniform(-2, 1.5), 10 ** random.uniform(-1, 2.5)
        a, b = 10 ** random.uniform(-1.5, 1.5), 10 ** random.uniform(-1.5, 2)
        x, T = random.choice([0, 0, 1, 2, 7, 40, 300, 1500]), random.choice([3.0, 90.0, 700.0, 3000.0])
        yield r, alpha, a, b, x, T


def main():
    rows = []
    for point in points():
        r, alpha, _, _, x, T = exact = tuple(mp.mpf(value) for value in point)
        t_x = T * mp.mpf("0.75") if x else mp.mpf(0)
        living = alive(*exact, t_x)
        day = mp.log(mp.mpf("1.1")) / mp.mpf("365.25")
        print(len(rows), point)  # noqa: T201
        rows.append(
            {
                **dict(zip(("r", "alpha", "a", "b"), map(float, point[:4]), strict=True)),
                "frequency": int(x),
                "recency": float(t_x),
                "T": float(T),
                "probability_alive": float(living),
                "no_purchase_90": float(1 - living + living * ((alpha + T) / (alpha + T + 90)) ** (r + x)),
                "purchases_90": float(living * purchases(0, 90, 0, *exact)),
                "purchases_365_730": float(living * purchases(365, 730, 0, *exact)),
                "discounted_3650": float(living * purchases(0, 3650, day, *exact)),
                "discounted": float(living * purchases(0, None, day, *exact)),
            }
        )
    Path(__file__).with_name("bg_nbd.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
