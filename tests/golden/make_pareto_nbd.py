"""Writes pareto_nbd.json: Pareto/NBD quantities to 16 digits by mpmath, at hard points, by hand: needs mpmath.

Every integral over the time of departure is taken piece by piece of time, as it stands in the model's definition.
"""

import json
import random
from pathlib import Path

import mpmath as mp

mp.mp.dps = 30

CDNOW = (0.5533, 10.5777, 0.6062, 11.668)
PARAMETERS = ("r", "alpha", "s", "beta")


def integral(f, start, end, step):
    """Integrate by Gauss-Legendre over pieces of time that grow by half."""
    ends = [mp.mpf(start)]
    while ends[-1] + step < end:
        ends.append(ends[-1] + step)
        step *= mp.mpf("1.5")
    return mp.quad(f, [*ends, end], method="gauss-legendre", maxdegree=4)


def silence(k, A, s, B, t, n=0):
    """P(n purchases within t), alive at t and gone by then; purchases ~ Gamma(k, A), departure ~ Gamma(s, B)."""
    ways = mp.exp(mp.loggamma(k + n) - mp.loggamma(k) - mp.loggamma(n + 1))

    def counted(y):
        return ways * (A / (A + y)) ** k * (y / (A + y)) ** n if n else (A / (A + y)) ** k

    def leaving(y):
        return counted(y) * s / (B + y) * (B / (B + y)) ** s

    step = min(A / k, B / (s + 1), t) / 4
    return counted(t) * (B / (B + t)) ** s, integral(leaving, 0, t, step) if t else mp.mpf(0)


def log_likelihood(r, alpha, s, beta, x, t_x, T):
    lives, gone = silence(r + x, alpha + t_x, s, beta + t_x, T - t_x)
    bought = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - (r + x) * mp.log(alpha + t_x)
    return bought + s * mp.log(beta / (beta + t_x)) + mp.log(lives + gone)


def slopes(point, history):
    """Gradient and Hessian (its six and ten numbers) in the logarithms of the parameters."""

    def f(*logs):
        return log_likelihood(*map(mp.exp, logs), *history)

    def order(*which):
        return tuple(which.count(i) for i in range(4))

    logs = tuple(mp.log(value) for value in point)
    first = [mp.diff(f, logs, order(i)) for i in range(4)]
    second = [[mp.diff(f, logs, order(i, j)) for j in range(i + 1)] for i in range(4)]
    return [float(g) for g in first], [[float(h) for h in row] for row in second]


def purchases(start, end, discount, k, A, s, B):
    if end is None:
        end = start + 50 / discount
    return k / A * integral(lambda u: mp.exp(-discount * u) * (B / (B + u)) ** s, start, end, B / (s + 1) / 4)


def points():
    random.seed(21)
    yield from ((*CDNOW, x, T) for x, T in [(0, 38.86), (2, 38.86), (29, 27.0), (0, 0.0), (1, 1 / 7)])
    for s in (1.0, 1 + 1e-12, 0.999999, 0.3, 2.0):
        yield from ((0.5, 30.0, s, 40.0, x, 200.0) for x in (0, 3))
    yield from ((0.5, 10.0, 0.8, 12.0, x, 3000.0) for x in (0, 1, 500, 2000, 5000))
    yield from ((0.5, 0.2, 0.6, 1e5, x, 3000.0) for x in (0, 1, 30))
    yield from ((0.5, 1e4, 0.6, 0.05, x, 3000.0) for x in (0, 1, 30))
    yield from ((0.02, 0.01, 0.03, 0.5, x, 3000.0) for x in (0, 2))
    yield from ((1e6, 3e7, 0.8, 20.0, x, 300.0) for x in (0, 9))
    yield from ((0.5, 10.0, 1e6, 1e8, x, 300.0) for x in (0, 9))
    yield from ((0.3, 20.0, 1e-4, 50.0, x, 300.0) for x in (0, 9))
    for _ in range(27):
        r, alpha = 10 ** random.uniform(-1.5, 1.5), 10 ** random.uniform(-1, 2.5)
        s, beta = 10 ** random.uniform(-1.5, 1.5), 10 ** random.uniform(-1, 3.5)
        x, T = random.choice([0, 0, 1, 2, 7, 40, 300, 1500]), random.choice([3.0, 90.0, 700.0, 3000.0])
        yield r, alpha, s, beta, x, T
    yield 0.24, 0.0124, 13.3, 685.0, 0, 3889.0  # departure lies many e-foldings ahead of the nearer scale
    yield 0.15, 0.011, 40.0, 3000.0, 0, 4500.0
    yield 9.0, 0.05, 0.07, 60.0, 0, 4900.0  # the integrand falls all the way to where it is cut
    yield from ((30.0, 0.33, 30.0, beta, 0, 4400.0) for beta in (0.33, 0.3301, 0.3299))
    yield from ((9.0, 1.0, 11.0, beta, x, 39.0) for beta in (1.0, 0.9999) for x in (0, 3))


def main():
    rows = []
    for point in points():
        r, alpha, s, beta, x, T = exact = tuple(mp.mpf(value) for value in point)
        t_x = mp.mpf(random.choice([0.75, 0.999, 0.1])) * T if x else mp.mpf(0)
        lives, gone = silence(r + x, alpha + t_x, s, beta + t_x, T - t_x)
        alive = lives / (lives + gone)
        now = (r + x, alpha + T, s, beta + T)
        day = mp.log(mp.mpf("1.1")) / mp.mpf("365.25")
        gradient, hessian = slopes(exact[:4], (x, t_x, T))
        print(len(rows), point, flush=True)  # noqa: T201
        rows.append(
            {
                **dict(zip(PARAMETERS, map(float, point[:4]), strict=True)),
                "frequency": int(x),
                "recency": float(t_x),
                "T": float(T),
                "log_likelihood": float(log_likelihood(*exact[:4], x, t_x, T)),
                "gradient": gradient,
                "hessian": hessian,
                "probability_alive": float(alive),
                "no_purchase_90": float(1 - alive + alive * sum(silence(*now, 90))),
                "one_purchase_90": float(alive * sum(silence(*now, 90, 1))),
                "nine_purchases_90": float(alive * sum(silence(*now, 90, 9))),
                "purchases_90": float(alive * purchases(0, 90, 0, *now)),
                "purchases_365_730": float(alive * purchases(365, 730, 0, *now)),
                "discounted_3650": float(alive * purchases(0, 3650, day, *now)),
                "discounted": float(alive * purchases(0, None, day, *now)),
            }
        )
    Path(__file__).with_name("pareto_nbd.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
