"""Writes hard_points/{bg,mbg}_cnbd_k.csv.gz: 2,000 hard points a model to 17 digits, by hand: needs mpmath.

What is a closed sum is found by mpmath. What is an integral over time is taken over v(u), the purchases a unit of
time u ahead, as the sum over purchases n = 1, 2, ... of P(still there) times the density of the n-th, mixed over the
posterior: positive terms, good to 1e-11, by Gauss-Legendre in log(bend + u). Beyond 2,048 purchases the sum over n is
taken by blocks, each by the 24 nodes that are exact for sums of polynomials. The discounted residual is a mean over
the posterior of rate and dropout of z**(k-j) / (1 - (1-p) z**k), z = rate / (rate + discount). Neither is the way of
the package.
"""

import csv
import gzip
import io
import random
import sys
from itertools import pairwise
from pathlib import Path

import mpmath as mp
import numpy as np
from make_hard_points import LEAST, between, buying, by_chance, histories
from scipy.linalg import eigh_tridiagonal
from scipy.special import betainc, betaincc

HERE = Path(__file__).with_name("hard_points")
DAY = mp.log(mp.mpf("1.1")) / mp.mpf("365.25")
LONG = np.longdouble
MOST = 2048
NODES, WEIGHTS = (part.astype(LONG) for part in np.polynomial.legendre.leggauss(16))
ENDS = (0, 90, 365, 730, 3650)


def closed(chances, k, r, alpha, a, b, x, t_x, T, log_gaps):
    """Everything that is a sum, and P(alive in phase j)."""
    m, stays = r + k * x, b + chances + x
    silent = [mp.rf(m, j) / mp.factorial(j) * ((T - t_x) / (alpha + T)) ** j for j in range(k)]
    left = mp.mpf(0)
    if x + chances > 0:
        left = a / (stays - 1) * ((alpha + T) / (alpha + t_x)) ** m
    whole = mp.fsum(silent) + left
    states = [odds / whole for odds in silent]

    def beta_mean(n):
        """E[(1-p)**n]."""
        return mp.rf(stays, n) / mp.rf(a + stays, n)

    def phases(j, n, t):
        """P(n phases within t) if alive in phase j."""
        shape, age = m + j, alpha + T
        return mp.rf(shape, n) / mp.factorial(n) * (t / (age + t)) ** n * (age / (age + t)) ** shape

    def count(n, t):
        total = mp.mpf(0)
        for j, state in enumerate(states):
            exactly = mp.fsum(phases(j, n * k - j + i, t) for i in range(k))
            first = n * k - j
            reached = mp.betainc(first, m + j, 0, t / (alpha + T + t), regularized=True)
            total += state * (beta_mean(n) * exactly + (beta_mean(n - 1) - beta_mean(n)) * reached)
        return total

    def silence(t):
        here = mp.fsum(s * mp.fsum(phases(j, i, t) for i in range(k - j)) for j, s in enumerate(states))
        return left / whole + here

    alive = mp.fsum(states)
    known = {
        "log_likelihood": (k - 1) * log_gaps - x * mp.loggamma(k) + mp.loggamma(m) - mp.loggamma(r)
        + r * mp.log(alpha) - m * mp.log(alpha + T) + mp.log(mp.beta(a, stays) / mp.beta(a, b)) + mp.log(whole),
        "alive": alive,
        "no_purchase_90": silence(mp.mpf(90)),
        "one_purchase_90": count(1, mp.mpf(90)),
        "nine_purchases_90": count(9, mp.mpf(90)),
        "residual": alive * (a + stays - 1) / (a - 1) if a > 1 else None,
    }  # fmt: skip
    quarter = mp.mpf("0.75")
    known["next_purchase_q25"] = mp.inf
    if left / whole < quarter:
        low, high = mp.mpf(-60), mp.mpf(4000)
        unit = k * (alpha + T) / m
        for _ in range(90):
            middle = (low + high) / 2
            low, high = (middle, high) if silence(unit * mp.exp(middle)) > quarter else (low, middle)
        known["next_purchase_q25"] = unit * mp.exp(low)
    return known, states


def blocks(first, ratio):
    """Yield nodes and weights of the sums over first, first + 1, ...: Gauss's, for the polynomials named after Gram."""
    while True:
        many = max(int(ratio * first), 24)
        i = np.arange(1.0, 24)
        away, vectors = eigh_tridiagonal(np.zeros(24), np.sqrt(i**2 * (many**2 - i**2) / (4 * (4 * i**2 - 1))))
        yield first + LONG(many - 1) / 2 + away, many * vectors[0] ** 2
        first += many


def log_gamma(z):
    """Stirling's, for z above 2,000."""
    return (z - LONG(0.5)) * np.log(z) - z + (1 / LONG(12) - (1 / LONG(360) - 1 / (1260 * z**2)) / z**2) / z


def beyond(w, weight, v, base, k, m, age, a, stays, last):
    """Return what purchases beyond MOST add to v, until they add nothing and come after those most likely."""
    m, a, stays = LONG(m), LONG(a), LONG(stays)
    constant = mp.loggamma(float(a + stays)) - mp.loggamma(float(stays)) - mp.loggamma(float(m))
    constant = LONG(mp.nstr(constant, 25)) - np.log(LONG(age))
    growing, fading = -np.log1p(1 / w)[:, None], (-m * np.log1p(w) - np.log(w))[:, None]
    scales = (w[:, None] ** -np.arange(k)).astype(float)
    more = np.zeros(len(w), dtype=LONG)
    for n, shares in blocks(MOST + 1, min(0.5, 3 / np.sqrt(float(m)))):
        s = k * n
        shift = constant + log_gamma(s + m) - log_gamma(s) + log_gamma(stays + n - 1) - log_gamma(a + stays + n - 1)
        coefficients = np.ones((len(n), k), dtype=LONG)
        for j in range(1, k):
            coefficients[:, j] = coefficients[:, j - 1] * (s - j) / (m + j - 1)
        power = (growing * s + fading + shift).astype(float)
        terms = np.exp(np.where(power > -690, power, -np.inf)) @ (coefficients * base * shares[:, None]).astype(float)
        added = (terms * scales).sum(axis=1)
        more += added
        if n[-1] > last and (weight * added).sum() <= 1e-17 * (weight * (v + more)).sum():
            break
    return more


def over_time(states, k, m, age, a, stays):
    """Purchases in each stretch between ENDS, undiscounted and discounted."""
    found = np.zeros((len(ENDS) - 1, 2), dtype=LONG)
    base = np.asarray([float(s) for s in states], dtype=LONG)
    for row, (start, end) in enumerate(pairwise(ENDS)):
        log_stays = -np.log1p(LONG(a) / (LONG(stays) + np.arange(MOST, dtype=LONG))).cumsum()
        there = np.exp(np.concatenate([[0.0], log_stays[:-1]]).astype(float))
        s, until, since = k * np.arange(1, MOST + 1) - k + 1, end / (age + end), start / (age + start)
        before, after = (f(s, m + k - 1, until) - f(s, m + k - 1, since) for f in (betainc, betaincc))
        share = there * np.maximum(before, -after)
        n = int(np.flatnonzero(share > 1e-15 * share.max())[-1]) + 1 if share.any() else MOST
        i = np.arange(1, n * k + 1, dtype=LONG)
        log_beta = np.concatenate([[-np.log(LONG(m))], -np.log(LONG(m)) + np.log(i / (i + LONG(m))).cumsum()])
        order = np.arange(1, n + 1)
        s = (k * order).astype(LONG)
        constant = np.concatenate([[LONG(0)], log_stays[: n - 1]]) - log_beta[k * order - 1] - np.log(LONG(age))
        coefficients = np.ones((n, k), dtype=LONG)
        for j in range(1, k):
            coefficients[:, j] = coefficients[:, j - 1] * (s - j) / (LONG(m) + j - 1)
        coefficients *= base
        bend = min(k * age / m, 1 / float(DAY), age + start)
        reach = np.log1p(LONG(end - start) / bend)
        pieces = int(np.ceil(reach / LONG(0.5)))
        ahead = ((np.arange(pieces)[:, None] + (1 + NODES) / 2) * (reach / pieces)).ravel()
        u = start + bend * np.expm1(ahead)
        weight = np.tile(WEIGHTS / 2, pieces) * (reach / pieces) * bend * np.exp(ahead)
        w = u / age
        v = np.zeros(len(u), dtype=LONG)
        near, far = np.log(w).astype(float), np.log1p(w).astype(float)
        order_s, shift, factors = s.astype(float), constant.astype(float), coefficients.astype(float)
        for some in range(0, len(u), 256):
            part = slice(some, some + 256)
            power = np.outer(near[part], order_s - 1) - np.outer(far[part], order_s + m) + shift
            v[part] = ((np.exp(np.maximum(power, -690.0)) @ factors) * w[part, None] ** -np.arange(k)).sum(axis=1)
        if n == MOST:
            v += beyond(w, weight, v, base, k, m, age, a, stays, last=m * end / age / k)
        found[row] = (weight * v).sum(), (weight * v * np.exp(-LONG(float(DAY)) * u)).sum()
    return found


def for_ever(states, k, m, age, a, stays):
    """Discounted residual: a trapezoidal rule in log(rate) and in the log-odds of p."""
    low = min(np.log(m / age), np.log(float(DAY))) - 45 / (m + k) - 12 / np.sqrt(m)
    low = max(low, np.log(m / age) - 50 / m - 12 / np.sqrt(m))
    high = np.log((m + k + 12 * np.sqrt(m + k) + 60) / age)
    y = np.linspace(LONG(low), LONG(high), int((high - low) / min(0.08, 0.5 / np.sqrt(m + k))) + 2)
    rate = np.exp(y)
    z = rate / (rate + LONG(float(DAY)))
    mixed = np.zeros(len(y), dtype=LONG)
    for j, state in enumerate(states):
        log_weight = float(m + j) * (y + np.log(LONG(age))) - age * rate
        mixed += float(state) * np.exp(log_weight - LONG(mp.nstr(mp.loggamma(m + j), 25))) * z ** (k - j)
    mixed *= y[1] - y[0]
    centre = np.log(a / stays)
    above = max(10, 5 - np.log(a)) + 60 / stays
    t = np.arange(-np.arcsinh(10 + 60 / a), np.arcsinh(above), 0.02)
    width = min(1.0, np.sqrt(1 / a + 1 / stays))
    odds = (centre + width * np.sinh(t)).astype(LONG)
    grown = np.logaddexp(LONG(0), odds)
    log_chance = a * odds - (a + stays) * grown
    chance = np.exp(log_chance - log_chance.max()) * np.cosh(t)
    chance /= chance.sum()
    paid, log_power = np.zeros(len(y), dtype=LONG), k * np.log1p(LONG(float(DAY)) / rate)
    p = np.exp(odds - grown)
    for i in range(len(y)):
        none = -np.expm1(-log_power[i])
        paid[i] = (chance / (none + p * (1 - none))).sum()
    return (mixed * paid).sum()


def row(chances, point):
    k, x = point[0], point[5]
    with mp.workdps(40):
        exact = [mp.mpf(value) for value in point]
        known, states = closed(chances, k, *exact[1:5], x, *exact[6:])
    r, alpha, a, b, _, _, T, _ = point[1:]
    now = (states, k, r + k * x, alpha + T, a, b + chances + x)
    stretches = over_time(*now)
    known |= {
        "purchases_90": stretches[0, 0],
        "purchases_365_730": stretches[2, 0],
        "discounted_3650": stretches[:, 1].sum(),
        "discounted": for_ever(*now),
    }
    fine = {}
    for name, value in known.items():
        number = None if value is None else float(value)
        gone = (
            number is None or np.isnan(number) or 0 < abs(number) < LEAST or (number > 1 / LEAST and number != np.inf)
        )
        fine[name] = None if gone else number
    return fine


def make(name, chances):
    random.seed(f"hard points of {name}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for i in range(200):
        k = 1 + i % 6
        r, alpha = buying(i, 3)
        a, b = by_chance(i)
        for x, t_x, T in histories():
            log_gaps = x * (np.log(t_x / x) - between(-2, 0)) if x else 0.0
            point = (k, r, alpha * (1 if k == 1 else 0.5), a, b, x, t_x, T, float(log_gaps))
            found = row(chances, point)
            if text.tell() == 0:
                writer.writerow(["k", "r", "alpha", "a", "b", "frequency", "recency", "T", "log_gaps", *found])
            writer.writerow(["" if value is None else repr(value) for value in (*point, *found.values())])
        if i % 20 == 19:
            print(name, i + 1, flush=True)  # noqa: T201
    with (HERE / f"{name}.csv.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    for model, chances in (("bg_cnbd_k", 0), ("mbg_cnbd_k", 1)):
        if len(sys.argv) < 2 or model in sys.argv[1:]:
            make(model, chances)
