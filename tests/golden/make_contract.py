"""Writes contract.csv.gz: sBG and BdW quantities to 16 digits by mpmath, at 2,000 hard points: needs mpmath.

Survival is the ratio of beta functions as it stands; sums over renewals are added one by one, and what lies far ahead
by Euler and Maclaurin's formula.
"""

import csv
import gzip
import io
import math
import multiprocessing
import random
from pathlib import Path

import mpmath as mp

mp.mp.dps = 45

PERIODS = {"1 week": 7, "1 month": mp.mpf("365.25") / 12, "1 year": mp.mpf("365.25")}
COLUMNS = (
    "alpha", "beta", "c", "period", "renewals", "ahead", "alive", "churn", "median", "log_likelihood", "expected",
    "discounted", "derl", "total",
)  # fmt: skip


def log_survival(alpha, beta, w):
    """Log B(alpha, beta + w), but for log Gamma(alpha); far out by the first terms of its series."""
    if w > 10**40:
        return -alpha * mp.log(w) + alpha * (1 - alpha - 2 * beta) / (2 * w)
    return mp.loggamma(beta + w) - mp.loggamma(alpha + beta + w)


def for_ever(survival, rate):
    """Sum survival(k) exp(-rate (k - 1)) over k = 1, 2, ..., survival defined for real k too."""

    def term(k):
        return survival(k) * mp.exp(-rate * (k - 1))

    value, k, here = mp.mpf(0), mp.mpf(1), term(1)
    while here > mp.mpf(10) ** -30 * value:
        following = term(k + 1)
        if k >= 80 and following > here * mp.mpf("0.97"):
            slopes = [mp.diff(term, k, n) for n in (1, 3, 5, 7)]
            bernoulli = (-mp.mpf(1) / 12, mp.mpf(1) / 720, -mp.mpf(1) / 30240, mp.mpf(1) / 1209600)
            ends = [mp.log(k)]
            while term(mp.exp(ends[-1])) * mp.exp(ends[-1]) > here * mp.mpf(10) ** -25:
                ends.append(ends[-1] + 1)
            tail = mp.quad(lambda y: term(mp.exp(y)) * mp.exp(y), ends, method="gauss-legendre", maxdegree=4)
            return value + tail + here / 2 + mp.fdot(bernoulli, slopes)
        value, k, here = value + here, k + 1, following
    return value + here


def row(point):
    alpha, beta, c, period, n, ahead = point
    a, b, power = mp.mpf(alpha), mp.mpf(beta), mp.mpf(c)
    aged = b + mp.mpf(n) ** power if n else b
    before = log_survival(a, aged, mp.mpf(0))

    def survival(k):
        return mp.exp(log_survival(a, b, (n + k) ** power) - before)

    rate = mp.log(mp.mpf("1.1")) * PERIODS[period] / mp.mpf("365.25")
    seen = mp.exp(before - log_survival(a, b, mp.mpf(0)))
    low, high = 0, 2**50
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if survival(middle) <= 0.5 else (middle, high)
    total = mp.inf
    if a * power > 1:
        total = (b + n) / (a - 1) if c == 1 else for_ever(survival, 0) if a * power > 1.5 else mp.nan
    path = [survival(k) for k in range(1, ahead + 1)]
    values = {
        "alive": survival(ahead),
        "churn": 1 - survival(ahead),
        "median": math.inf if high == 2**50 else high,
        "log_likelihood": mp.log(seen * (1 - survival(1))),
        "expected": mp.fsum(path),
        "discounted": mp.fsum(there * mp.exp(-rate * k) for k, there in enumerate(path)),
        "derl": for_ever(survival, rate),
        "total": total,
    }
    return [repr(float(v)) if isinstance(v, float) else v for v in point] + [repr(float(v)) for v in values.values()]


def points():
    random.seed(26)
    near_one = (1.0, 1 - 1e-9, 1 + 1e-9, 0.999, 1.001)
    for i in range(2000):
        alpha, beta = 10 ** random.uniform(-2, 2), 10 ** random.uniform(-2, 3)
        if i % 5 == 1:
            alpha = random.choice(near_one)
        elif i % 5 == 2:
            alpha, beta = 10 ** random.uniform(-6, 1), 10 ** random.uniform(-4, 1)
        elif i % 5 == 3:
            alpha, beta = 10 ** random.uniform(0, 5), 10 ** random.uniform(2, 8)
        c = 1.0 if i % 2 else random.choice([0.2, 0.5, 0.8, 0.999, 1.001, 1.3, 2.0, 3.0, random.uniform(0.2, 3)])
        renewals = random.choice([0, 0, 1, 2, 5, 24, 365, 1500, 3000])
        ahead = random.choice([1, 2, 3, 12, 60, 250])
        yield alpha, beta, c, random.choice(list(PERIODS)), renewals, ahead


def main():
    with multiprocessing.Pool() as pool:
        rows = []
        for told in pool.imap(row, points(), chunksize=10):
            rows.append(told)
            print(len(rows), flush=True)  # noqa: T201
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    packed = gzip.compress(text.getvalue().encode(), mtime=0)
    Path(__file__).with_name("contract.csv.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
