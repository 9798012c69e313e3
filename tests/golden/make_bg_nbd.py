"""Writes bg_nbd.json and mbg_nbd.json: their quantities to 16 digits by mpmath, at hard points, by hand: needs mpmath.

V = integral of exp(-d u) v(u) du, v(u) = k/A * 2F1(k + 1, a; a + c; -u/A), k = r + x, A = alpha + T, c = b + chances;
the hypergeometric function by Pfaff's transformation, whose terms do not cancel. A customer has had x chances to
leave under BG/NBD, x + 1 under MBG/NBD.
"""

import json
import random
from pathlib import Path

import mpmath as mp

mp.mp.dps = 40

CDNOW = (0.2426, 4.4136, 0.7929, 2.4259)


def rate(u, k, A, a, c):
    w = u / A
    return k / A * (1 + w) ** -a * mp.hyp2f1(a + c - k - 1, a, a + c, w / (1 + w))


def purchases(start, end, discount, *now):
    """Integrate by Gauss-Legendre over pieces of time that grow by half."""
    if end is None:
        end = start + 50 / discount
    ends, step = [mp.mpf(start)], mp.mpf("0.25") * min(1, now[1])
    while ends[-1] + step < end:
        ends.append(ends[-1] + step)
        step *= mp.mpf("1.5")
    with mp.workdps(25):
        return mp.quad(
            lambda u: mp.exp(-discount * u) * rate(u, *now), [*ends, end], method="gauss-legendre", maxdegree=4
        )


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def log_branches(r, alpha, a, b, chances, x, t_x, T):
    """Logarithms of the likelihood of who is alive at T, and of who left after the last purchase (None: nobody)."""
    bought = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha)
    lives = bought + log_beta(a, b + chances) - log_beta(a, b) - (r + x) * mp.log(alpha + T)
    if chances == 0:
        return lives, None
    return lives, bought + log_beta(a + 1, b + chances - 1) - log_beta(a, b) - (r + x) * mp.log(alpha + t_x)


def log_likelihood(*point):
    lives, left = log_branches(*point)
    return lives if left is None else lives + mp.log1p(mp.exp(left - lives))


def alive(*point):
    lives, left = log_branches(*point)
    return mp.mpf(1) if left is None else 1 / (1 + mp.exp(left - lives))


def count(n, t, k, A, a, c):
    """P(n purchases within t | alive), n > 0: alive after the last of them, or gone with it."""

    def bought(j):
        return mp.binomial(k + j - 1, j) * (t / (A + t)) ** j * (A / (A + t)) ** k

    stays, leaves = mp.exp(log_beta(a, c + n) - log_beta(a, c)), mp.exp(log_beta(a + 1, c + n - 1) - log_beta(a, c))
    return stays * bought(n) + leaves * (1 - sum(bought(j) for j in range(n)))


def slopes(point, history):
    """Gradient and the lower half of the Hessian in the logarithms of the parameters."""

    def f(*logs):
        return log_likelihood(*map(mp.exp, logs), *history)

    def order(*which):
        return tuple(which.count(i) for i in range(4))

    logs = tuple(mp.log(value) for value in point)
    first = [mp.diff(f, logs, order(i)) for i in range(4)]
    second = [[mp.diff(f, logs, order(i, j)) for j in range(i + 1)] for i in range(4)]
    return [float(g) for g in first], [[float(h) for h in row] for row in second]


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


def quantities(point, first):
    """Everything at one point; `first` is 1 if the first purchase was a chance to leave."""
    r, alpha, a, b, x, T = exact = tuple(mp.mpf(value) for value in point)
    t_x = T * mp.mpf("0.75") if x else mp.mpf(0)
    history = (x + first, x, t_x, T)
    living = alive(*exact[:4], *history)
    now = (r + x, alpha + T, a, b + x + first)
    day = mp.log(mp.mpf("1.1")) / mp.mpf("365.25")
    gradient, hessian = slopes(exact[:4], history)
    return {
        **dict(zip(("r", "alpha", "a", "b"), map(float, point[:4]), strict=True)),
        "frequency": int(x),
        "recency": float(t_x),
        "T": float(T),
        "log_likelihood": float(log_likelihood(*exact[:4], *history)),
        "gradient": gradient,
        "hessian": hessian,
        "probability_alive": float(living),
        "no_purchase_90": float(1 - living + living * ((alpha + T) / (alpha + T + 90)) ** (r + x)),
        "one_purchase_90": float(living * count(1, 90, *now)),
        "nine_purchases_90": float(living * count(9, 90, *now)),
        "purchases_90": float(living * purchases(0, 90, 0, *now)),
        "purchases_365_730": float(living * purchases(365, 730, 0, *now)),
        "discounted_3650": float(living * purchases(0, 3650, day, *now)),
        "discounted": float(living * purchases(0, None, day, *now)),
    }


def main():
    for first, name in enumerate(("bg_nbd", "mbg_nbd")):
        rows = []
        for point in points():
            print(name, len(rows), point, flush=True)  # noqa: T201
            rows.append(quantities(point, first))
        path = Path(__file__).with_name(f"{name}.json")
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
