"""How fast trials of conventional arms are simulated, beside rpact where R has it. Part of ``benchmarks.speed``."""

from __future__ import annotations

import math
import shutil
import subprocess

import numpy as np

from trialsim.designs import replicate_kernel as kernel
from trialsim.designs.boundaries import Boundaries, by_spending
from trialsim.designs.replicates import Arm, Population, Replicates, as_drawn, at_events, run
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import constant
from trialsim.rng import Purpose, stream

PATIENTS, EVENTS, TRIALS = 400, 240, 5_000
MEDIAN, ACCRUAL = 24.0, 24.0
SEED = 20261125
#: The same design in R: three looks at 80, 160 and 240 events, log-rank, no effect. Prints trials a second.
RPACT = f"""
suppressMessages(library(rpact))
design <- getDesignGroupSequential(kMax = 3, alpha = 0.025, sided = 1, typeOfDesign = "asOF")
started <- proc.time()[["elapsed"]]
ignored <- getSimulationSurvival(design, hazardRatio = 1, lambda2 = log(2) / {MEDIAN}, accrualTime = c(0, {ACCRUAL}),
  maxNumberOfSubjects = {PATIENTS}, plannedEvents = c(80, 160, {EVENTS}), maxNumberOfIterations = {TRIALS},
  seed = {SEED})
cat({TRIALS} / (proc.time()[["elapsed"]] - started))
"""


def design() -> Boundaries:
    return by_spending((1 / 3, 2 / 3, 1.0), 0.025, 1, parse_spending("obrien-fleming"))


def population(patients: int = PATIENTS) -> Population:
    arm = Arm((constant(math.log(2.0) / MEDIAN),), (constant(0.0),))
    return Population(patients, constant(patients / ACCRUAL), (arm, arm))


def simulate() -> Replicates:
    """The design that is timed."""
    return run(population(), at_events(design(), EVENTS), TRIALS, seed=SEED)


class OneTest:
    """A log-rank test of 500 patients at the end of follow-up, their times sorted before."""

    repeats = 2_000

    def __init__(self) -> None:
        trial = kernel.empty_trial(500)
        rng = stream(SEED, Purpose.REPLICATES)
        kernel.draw_trial(rng, as_drawn(population(500)), trial)
        end = np.minimum(trial.event, 60.0 - trial.entry)
        self._arguments = (trial, kernel.Ended(end, end, trial.event <= end, np.argsort(end)), False, 1, 0.0, 0.0)

    def __call__(self) -> None:
        for _ in range(self.repeats):
            kernel.compare(60.0, 1, *self._arguments)


def rpact_trials_per_second() -> float | None:
    """None where R or rpact is not installed."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    done = subprocess.run([program, "-e", RPACT], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None
