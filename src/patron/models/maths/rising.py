"""Logarithms of rising factorials, Gamma(z + d) / Gamma(z), without the cancellation of their difference."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.special import gammaln, polygamma, psi

from patron.models.maths.fitter import Array

_LARGE: Final = 1e4


def log_rising(z: Any, d: Any) -> tuple[Array, Array, Array]:
    """Log of Gamma(z + d) / Gamma(z) and its first two derivatives in z, d >= 0; for large z by Stirling's series."""
    far = z + d
    gap, both = d / (z * far), 1 / z + 1 / far
    log_far = np.log1p(d / z)
    stirling = (
        (z - 0.5) * log_far + d * (np.log(far) - 1) - gap / 12,
        log_far + gap / 2 + gap * both / 12,
        -gap - gap * both / 2 - gap * (both**2 - 1 / (z * far)) / 6,
    )
    plain = gammaln(far) - gammaln(z), psi(far) - psi(z), polygamma(1, far) - polygamma(1, z)
    value, slope, bend = (np.where(z > _LARGE, *pair) for pair in zip(stirling, plain, strict=True))
    return value, slope, bend
