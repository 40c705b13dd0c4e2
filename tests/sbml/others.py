"""Runs a network in libroadrunner and holds its final counts to those of the kernel."""

from __future__ import annotations

import numpy as np
import roadrunner
from numpy.typing import NDArray
from scipy.stats import fisher_exact, ks_2samp, norm

from tests.biology.networks import NETWORKS
from tests.biology.networks import Network as Case
from tests.biology.twins import compare, groups
from trialsim.biology.network import Network, population_ids
from trialsim.biology.populations import N_POPULATIONS
from trialsim.biology.sbml import write_sbml

Counts = NDArray[np.int64]

#: Chance that a right network fails its comparison, over all of its statistics (Bonferroni). The tests of means and
#: variances are as good as the normal approximation; those of extinction and of distribution are exact or conservative.
FALSE_ALARM = 1e-6


def case(name: str) -> Case:
    return next(n for n in NETWORKS if n.name == name)


def roadrunner_paths(network: Network, until: float, *, paths: int, seed: int) -> Counts:
    """Final counts (path x population) by libroadrunner's Gillespie method, from the network's SBML text."""
    model = roadrunner.RoadRunner(write_sbml(network, model_id="tested", name="a lesion"))
    model.setIntegrator("gillespie")
    model.integrator.variable_step_size = False
    model.integrator.seed = seed
    ids = [species.id for species in network.species]
    model.timeCourseSelections = ids
    places = [population_ids().index(id_) for id_ in ids]
    out = np.zeros((paths, N_POPULATIONS), np.int64)
    for path in range(paths):
        model.reset()
        end = np.asarray(model.simulate(0.0, until, 2))[-1]
        assert (end == np.rint(end)).all()
        assert (end >= 0.0).all()
        out[path, places] = end
    return out


def p_values(kernel: Counts, other: Counts) -> dict[tuple[str, str], float]:
    """Two-sided p of each statistic of each group: mean, variance, extinction (Fisher), distribution (KS)."""
    found = {(c.group, c.statistic): float(2.0 * norm.sf(abs(c.z))) for c in compare(kernel, other)}
    left, right = groups(kernel), groups(other)
    for group, a in left.items():
        b = right[group]
        table = [[int((x == 0).sum()), int((x > 0).sum())] for x in (a, b)]
        found[group, "extinction"] = float(fisher_exact(table).pvalue)
        found[group, "distribution"] = float(ks_2samp(a, b, method="asymp").pvalue)
    return found


def disagreements(kernel: Counts, other: Counts) -> dict[tuple[str, str], float]:
    """The statistics in which the two differ beyond :data:`FALSE_ALARM`, with their p."""
    found = p_values(kernel, other)
    return {statistic: p for statistic, p in found.items() if p < FALSE_ALARM / len(found)}
