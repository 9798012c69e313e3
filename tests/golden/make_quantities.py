"""Every quantity of a customer of a model, by mpmath at raised precision; `make_hard_points` writes them down.

A closed form that cancels is found at more and more digits until it rests. An integral over time is taken by
Gauss-Legendre in log(bend + time), piece by piece: all integrands are products of powers of (time + something), or
means of these, so that none has a singularity within pi of the real line there. Time is in days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import mpmath as mp
from flint import arb, ctx
from make_bg_nbd import count as beta_count
from make_bg_nbd import log_branches

DAY = mp.log(mp.mpf("1.1")) / mp.mpf("365.25")
"""Continuous discount rate a day: 10 % a year."""


class Precision:
    """Digits, and Gauss-Legendre nodes a piece of length 2."""

    digits, nodes = 36, 21


@cache
def legendre(n: int) -> list[tuple[mp.mpf, mp.mpf]]:
    """Nodes and weights on [0, 1]."""
    rule = []
    with mp.extradps(10):
        for i in range(n):
            z = mp.cos(mp.pi * (i + mp.mpf("0.75")) / (n + mp.mpf("0.5")))
            for _ in range(9):
                one, two = mp.mpf(1), z
                for j in range(2, n + 1):
                    one, two = two, ((2 * j - 1) * z * two - (j - 1) * one) / j
                slope = n * (z * two - one) / (z * z - 1)
                z -= two / slope
            rule.append(((1 + z) / 2, 1 / ((1 - z * z) * slope**2)))
    return rule


def integral(f: Callable, start, end, bend):
    """Integrate over (start, end); f changes over a time `bend` at the start, and no faster later."""
    reach = mp.log1p((end - start) / bend)
    pieces = int(mp.ceil(reach / 2)) or 1
    width, total = reach / pieces, mp.mpf(0)
    for i in range(pieces):
        for node, weight in legendre(Precision.nodes):
            far = mp.exp(width * (i + node))
            total += weight * far * f(start + bend * (far - 1))
    return total * width * bend


def steady(f: Callable):
    """Find a closed form at more and more digits, until 22 of them stay."""
    before = mp.inf
    for digits in (50, 100, 200, 400, 800):
        with mp.workdps(digits):
            now = f()
            if abs(now - before) <= abs(now) * mp.mpf(10) ** -22:
                return now
        before = now
    raise ArithmeticError(now)


def hyp2f1(a, b, c, z):
    """2F1 by its series where that falls at once, or has no term below 0; else by Arb, which proves its digits.

    That of mpmath 1.4 is off without a word where parameters are in the hundreds and z just above .8.
    """
    by_series = (6 + abs(a)) * (6 + abs(b)) < c / 2 or (c > 100 and a > 0 and z < 0.99)
    for more in (40, 200, 1000, 5000, 25000):
        with ctx.workprec(mp.mp.prec + more):
            known = arb(a), arb(b), arb(c), arb(z)
            ball = series(*known) if by_series else known[3].hypgeom_2f1(*known[:3])
            if ball.rel_accuracy_bits() > mp.mp.prec:
                whole, power = ball.mid().man_exp()
                return mp.ldexp(mp.mpf(int(whole)), int(power))
    raise ArithmeticError(a, b, c, z)


def series(a, b, c, z):
    """2F1(a, b; c; z) term by term."""
    total = term = arb(1)
    least, n = arb(2) ** -ctx.prec, 0
    while abs(term) > least * abs(total):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total, n = total + term, n + 1
    return total


@dataclass
class Poisson:
    """A customer who never leaves; purchases at lambda ~ Gamma(k, A) from now on."""

    k: mp.mpf
    A: mp.mpf

    def survives(self, t):  # noqa: ARG002  # for ever
        """P(alive at t)."""
        return mp.mpf(1)

    def silent(self, t):
        return self.count(0, t)

    def count(self, n, t):
        """P(n purchases within t)."""
        return self.bought(n, t)

    def bought(self, n, t):
        """P(n purchases within t), of who stays."""
        ways = mp.rf(self.k, n) / mp.factorial(n)
        return ways * (t / (self.A + t)) ** n * (self.A / (self.A + t)) ** self.k

    def purchases(self, start, end):
        return self.k / self.A * (end - start)

    def discounted(self, start, end):
        return self.k / self.A * (mp.exp(-DAY * start) - mp.exp(-DAY * end)) / DAY

    def residual(self):
        """Purchases for ever, None where infinite."""

    def waits(self, q):
        """By when a purchase happens with probability q."""
        return self.A * mp.expm1(-mp.log1p(-q) / self.k) if q < 1 else mp.inf


@dataclass
class BetaDropout(Poisson):
    """A customer who leaves after each purchase with probability p ~ Beta(a, c)."""

    a: mp.mpf
    c: mp.mpf

    def survives(self, t):
        return steady(lambda: self.hypergeometric(self.k, self.a, self.a + self.c, t))

    def hypergeometric(self, power, first, last, t):
        """2F1(power, first; last; -t/A) by that of Pfaff's two transformations whose terms hardly cancel."""
        w = t / self.A
        if last > 2 * power:
            first, power = power, first
        return (1 + w) ** -first * hyp2f1(last - power, first, last, w / (1 + w))

    def count(self, n, t):
        if n == 0:
            return self.bought(0, t)
        return steady(lambda: beta_count(n, t, self.k, self.A, self.a, self.c))

    def purchases(self, start, end):
        def closed():
            a = self.a
            if a == 1 or a + self.c == 1:
                a += mp.mpf(10) ** -(mp.mp.dps // 3)
            last = a + self.c - 1
            to_start, to_end = (self.hypergeometric(self.k, a - 1, last, t) for t in (start, end))
            return last / (a - 1) * (to_start - to_end)

        return steady(closed)

    def discounted(self, start, end):
        power, last = self.k + 1, self.a + self.c

        def rate(u):
            return mp.exp(-DAY * u) * self.hypergeometric(power, self.a, last, u)

        bend = 1 / (DAY + (1 + 4 * power) / (self.A + start))
        return self.k / self.A * integral(rate, start, end, bend)

    def residual(self):
        return (self.a + self.c - 1) / (self.a - 1) if self.a > 1 else None


@dataclass
class Pareto(Poisson):
    """A customer who leaves at a rate mu ~ Gamma(s, B) from now on."""

    s: mp.mpf
    B: mp.mpf

    def bend(self, start=0):
        return 1 / ((self.k + 1) / (self.A + start) + (self.s + 2) / (self.B + start))

    def survives(self, t):
        return (self.B / (self.B + t)) ** self.s

    def branches(self, n, t):
        """P(n purchases within t), alive at t, and gone by then."""

        def leaving(y):
            return self.bought(n, y) * self.survives(y) / (self.B + y)

        lives = self.bought(n, t) * self.survives(t)
        return lives, self.s * integral(leaving, 0, t, self.bend()) if t else mp.mpf(0)

    def count(self, n, t):
        return mp.fsum(self.branches(n, t))

    def purchases(self, start, end):
        def closed():
            s = self.s + (self.s == 1) * mp.mpf(10) ** -(mp.mp.dps // 3)
            to_start, to_end = ((self.B / (self.B + t)) ** (s - 1) for t in (start, end))
            return self.k / self.A * self.B / (s - 1) * (to_start - to_end)

        return steady(closed)

    def discounted(self, start, end):
        bend = 1 / (DAY + (1 + self.s) / (self.B + start))
        return self.k / self.A * integral(lambda u: mp.exp(-DAY * u) * self.survives(u), start, end, bend)

    def residual(self):
        return self.k / self.A * self.B / (self.s - 1) if self.s > 1 else None

    def waits(self, q):
        """By Newton on log P(no purchase by t, but one later), which is nearly straight in log(A + t)."""
        k, A, s, B = self.k, self.A, self.s, self.B

        def next_at(u):
            return k / A * (A / (A + u)) ** (k + 1) * self.survives(u)

        if k > 20:
            ever = integral(next_at, 0, A * mp.expm1(90 / k), self.bend())
        else:
            ever = k / (k + s) * hyp2f1(s, 1, k + s + 1, 1 - A / B)
        if q >= ever:
            return mp.inf
        t = self.bend() * q
        for _ in range(60):
            later = ever - integral(next_at, 0, t, self.bend())
            step = mp.log(later / (ever - q)) * later / (next_at(t) * (A + t))
            t = (A + t) * mp.exp(step) - A
            if abs(step) * (A + t) < t * mp.mpf(10) ** -19:
                return t
        raise ArithmeticError(t)


def quantities(log_likelihood, lives, gone, now: Poisson) -> dict:
    """Everything about one customer, from the odds of being alive now and what is so if alive."""
    alive, dead = lives / (lives + gone), gone / (lives + gone)
    decade, residual = now.discounted(0, 3650), now.residual()
    return {
        "log_likelihood": mp.chop(log_likelihood, mp.mpf(10) ** -30),
        "alive": alive,
        "alive_in_90": alive * now.survives(90),
        "no_purchase_90": dead + alive * now.silent(90),
        "one_purchase_90": alive * now.count(1, 90),
        "nine_purchases_90": alive * now.count(9, 90),
        "purchases_90": alive * now.purchases(0, 90),
        "purchases_365_730": alive * now.purchases(365, 730),
        "discounted_3650": alive * decade,
        "discounted": alive * (decade + now.discounted(3650, 3650 + 60 / DAY)),
        "residual": None if residual is None else alive * residual,
        "next_purchase_q25": now.waits(mp.mpf("0.25") / alive),
    }


def nbd(r, alpha, x, t_x, T):
    lives = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - (r + x) * mp.log(alpha + T)
    return quantities(lives, mp.mpf(1), mp.mpf(0), Poisson(r + x, alpha + T))


def beta_dropout(first, r, alpha, a, b, x, t_x, T):
    lives, left = log_branches(r, alpha, a, b, x + first, x, t_x, T)
    now = BetaDropout(r + x, alpha + T, a, b + x + first)
    if left is None:
        return quantities(lives, mp.mpf(1), mp.mpf(0), now)
    lives, left = mp.exp(lives), mp.exp(left)
    return quantities(mp.log(lives + left), lives, left, now)


def bg_nbd(*point):
    return beta_dropout(0, *point)


def mbg_nbd(*point):
    return beta_dropout(1, *point)


def pareto_nbd(r, alpha, s, beta, x, t_x, T):
    lives, gone = Pareto(r + x, alpha + t_x, s, beta + t_x).branches(0, T - t_x)
    bought = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) - (r + x) * mp.log(alpha + t_x)
    log_likelihood = bought + s * mp.log(beta / (beta + t_x)) + mp.log(lives + gone)
    return quantities(log_likelihood, lives, gone, Pareto(r + x, alpha + T, s, beta + T))


def gamma_gamma(p, q, v, x, m):
    spend = {"expected_spend": p * (v + m * x) / (p * x + q - 1)}
    if x == 0:
        return {"log_likelihood": None, "by_p": None, "by_q": None, "by_v": None, **spend}
    shape, total = p * x, v + m * x
    log_beta = mp.loggamma(shape) + mp.loggamma(q) - mp.loggamma(shape + q)
    both = mp.digamma(shape + q)
    return {
        "log_likelihood": q * mp.log(v / total) + shape * mp.log(m * x / total) - mp.log(m) - log_beta,
        "by_p": shape * (both - mp.digamma(shape) + mp.log(m * x / total)),
        "by_q": q * (both - mp.digamma(q) + mp.log(v / total)),
        "by_v": q - (shape + q) * v / total,
        **spend,
    }
