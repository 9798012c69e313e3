"""How near the BG/NBD fit is to what a pass over the data must cost: six passes of a kernel that does nothing else."""

from __future__ import annotations

import functools
import time

import numpy as np

import patron
from benchmarks.bar import Bar, Result, alternate, timed
from benchmarks.speed import MILLION, customers
from patron.models.maths.fitter import Array, blocks

PASSES = 6


class Kernel:
    """The log-likelihood of BG/NBD with gradient and Hessian: f, g and H by NumPy, without checks, bounds or a search.

    What depends on x alone is a sum over j < x, of a histogram; the others are blocks that stay in cache. Reading
    and splitting the customers is not part of a pass.
    """

    def __init__(self, x: Array, t_x: Array, T: Array) -> None:
        self.beyond = np.bincount(x.astype(np.int64))[:0:-1].cumsum()[::-1].astype(np.float64)
        self.x, self.T = x, T
        self.buyers = x[x > 0], t_x[x > 0], T[x > 0]

    def __call__(self, r: float, alpha: float, a: float, b: float) -> tuple[float, Array, Array]:
        """Return the log-likelihood, its gradient (4,) and Hessian (4, 4)."""
        j = np.arange(len(self.beyond))
        f = self.beyond @ (np.log((r + j) / alpha) - np.log1p(a / (b + j)))
        of_r, of_b, of_ab = (self.beyond @ (1 / (first + j)) for first in (r, b, a + b))
        g = np.array([of_r, -self.beyond.sum() / alpha, -of_ab, of_b - of_ab])
        of_rr, of_bb, of_abab = (self.beyond @ (first + j) ** -2.0 for first in (r, b, a + b))
        h = np.diag([-of_rr, self.beyond.sum() / alpha**2, of_abab, of_abab - of_bb])
        h[2, 3] = h[3, 2] = of_abab
        for rows in blocks(len(self.x)):
            aged, near = np.log1p(self.T[rows] / alpha), self.T[rows] / (alpha + self.T[rows])
            shape = r + self.x[rows]
            f -= shape @ aged
            g[:2] += -aged.sum(), shape @ near / alpha
            mixed = near.sum() / alpha
            h[:2, :2] += [[0.0, mixed], [mixed, ((shape * near) @ near - 2 * (shape @ near)) / alpha**2]]
        slope = np.empty((4, 8192))
        for rows in blocks(len(self.buyers[0])):
            x, t_x, T = (column[rows] for column in self.buyers)
            some, by_end, by_last, shape = slope[:, : len(x)], 1 / (alpha + T), 1 / (alpha + t_x), r + x
            apart = by_end - by_last
            np.log1p((T - t_x) * by_last, out=some[0])
            np.multiply(shape, apart, out=some[1])
            some[2] = 1 / a
            np.divide(-1.0, b + x - 1, out=some[3])
            z = shape * some[0]
            z += np.log(a * -some[3])
            stayed = np.exp(-z)
            left = 1 / (1 + stayed)
            f += z.sum() + np.log1p(stayed).sum()
            g += some @ left
            h += (some * (left * (1 - left))) @ some.T
            mixed = apart @ left
            h[:2, :2] += [[0.0, mixed], [mixed, -(some[1] * (by_end + by_last)) @ left]]
            h[2, 2] -= left.sum() / a**2
            h[3, 3] += some[3] ** 2 @ left
        return float(f), g, h


def kernel() -> Result:
    frame = customers(MILLION)
    x, t_x, T = (frame[name].to_numpy(np.float64) for name in ("frequency", "recency", "T"))
    one = Kernel(x, t_x, T)
    model = patron.BetaGeoNBD()
    seconds = alternate(
        5,
        ours=functools.partial(timed, time.process_time, lambda: model.fit(frame)),
        theirs=functools.partial(timed, time.process_time, lambda: [one(0.25, 30.0, 0.8, 2.4) for _ in range(PASSES)]),
    )
    f, g, h = one(*model.params_)
    off = abs(f / model.log_likelihood_ - 1)
    errors = np.sqrt(np.diag(np.linalg.inv(-h))) / model.standard_errors_ - 1
    note = (
        f"patron {seconds['ours']:.3g} CPU s; likelihoods apart by {off:.1g}, standard errors by "
        f"{np.abs(errors).max():.1g}, step left {np.abs(np.linalg.solve(h, g) / model.params_).max():.1g}"
    )
    return Result(
        seconds["ours"] / seconds["theirs"], f"{PASSES} passes of f, g and H", seconds["theirs"], "CPU s", 5, note
    )


BARS = [Bar("bg-nbd-kernel", "of the CPU time of six passes of f, g and H, BG/NBD fit, 1M customers", 3, "low", kernel)]
