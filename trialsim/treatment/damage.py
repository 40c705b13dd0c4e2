"""From one dose to the chance that a cycling cell is lost."""

from __future__ import annotations

import math

from trialsim.compiling import compiled


def chemotherapy_hits(log_kill: float, relative_exposure: float, sensitivity: float) -> float:
    """Mean hits per cycling cell: ln 10 x log10-kill at the reference dose x exposure x sensitivity.

    Exposure (area under the concentration curve) is proportional to dose over clearance. Without repair the
    surviving fraction is 10 ** -(log_kill x exposure x sensitivity): log-kill is additive over doses.
    """
    return math.log(10.0) * log_kill * relative_exposure * sensitivity


@compiled
def radiation_hits(dose_gy: float, alpha: float, alpha_beta: float) -> float:
    """Mean lethal hits per cell of one fraction: alpha d + beta d^2 with beta = alpha / (alpha/beta).

    Linear-quadratic: the published alpha and beta describe loss of clonogenicity, that is hits after repair.
    """
    return alpha * dose_gy * (1.0 + dose_gy / alpha_beta)


@compiled
def cross_hits(dose_gy: float, unrepaired_gy: float, alpha: float, alpha_beta: float) -> float:
    """Mean lethal hits per cell by sublethal damage of a fraction that meets what is left of earlier ones: 2 beta d U.

    U is the sum of earlier doses, each times exp(-mu t) at t days since it. Over n equal fractions at equal distances
    the sum of these is n beta d^2 h_n, with Thames's h_n (Thames 1985 Int J Radiat Biol 47:319).
    """
    return 2.0 * alpha / alpha_beta * dose_gy * unrepaired_gy


def loss_prob(hits: float) -> float:
    """Chance that a cell with Poisson ``hits`` unrepaired hits is lost."""
    return -math.expm1(-hits)
