"""The sections of docs/verification.md on trial designs: published numbers, type I error and power by simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tests.designs.published import CASES, HOW, pairs
from trialsim.designs.boundaries import Boundaries, Futility, by_spending, of_shape
from trialsim.designs.multiplicity import holm_rejections
from trialsim.designs.promising import Promising, new_events, weighted_z
from trialsim.designs.replicates import (
    Arm,
    MonteCarloEstimate,
    Population,
    Replicates,
    Schedule,
    at_events,
    run,
    run_arms,
)
from trialsim.designs.spending import parse_spending
from trialsim.designs.survival import Steps, constant

TRIALS = 100_000
SEED = 20261125
FAMILIES = ("obrien-fleming", "pocock", "hwang-shih-decani(-4)", "kim-demets(3)")
LOSS = constant(0.002)
MEDIAN_24 = constant(math.log(2) / 24)
NULL = Population(400, constant(400 / 24), (Arm((MEDIAN_24,), (LOSS,)),) * 2)
EVENTS = 240


def published() -> list[str]:
    """Every published design number beside ours."""
    rows = []
    for name in HOW:
        case = CASES[name]
        found = pairs(case)
        worst = max(found, key=lambda pair: abs(pair.published - pair.found) / pair.tolerance)
        rows.append(
            [
                f"`{name}`",
                case.source.split("@")[0],
                len(found),
                f"{worst.published:g} / {worst.found:.6g}",
                f"{worst.tolerance:.2g}",
                "yes" if all(pair.agrees for pair in found) else "NO",
            ]
        )
    return [
        "## Designs: published numbers",
        "",
        "Boundaries, type I errors, events, sizes, power and expected events of other packages and books, and what "
        "trialsim finds for the same inputs. For each case the number that fits worst is shown, published / ours. The "
        "tolerance is that of the case, or half of the last place printed where that is wider.",
        "",
        *_table(["case", "source", "numbers", "worst fit", "tolerance", "agree"], rows),
    ]


def type_one_error() -> list[str]:
    """Simulated trials without an effect."""
    rows: list[list[object]] = []

    def add(what: str, trials: Replicates) -> None:
        note(what, trials.power)

    def note(what: str, power: MonteCarloEstimate) -> None:
        rows.append(
            [what, f"{100 * power.value:.3f} %", f"{100 * power.se:.3f}", "yes" if power.value < 0.0275 else "NO"]
        )

    for looks in (1, 3, 5):
        for family in FAMILIES if looks > 1 else FAMILIES[:1]:
            add(
                "fixed" if looks == 1 else f"{looks} looks, {family}",
                run(NULL, at_events(_design(looks, family), EVENTS), TRIALS, seed=SEED),
            )
    futility = Futility(0.1, parse_spending("hwang-shih-decani(-2)"))
    for binding in (False, True):
        rule = replace(futility, binding=binding)
        design = by_spending((1 / 3, 2 / 3, 1.0), 0.025, 1, parse_spending("obrien-fleming"), rule)
        words = "binding" if binding else "non-binding"
        add(f"3 looks, obrien-fleming, {words} futility", run(NULL, at_events(design, EVENTS), TRIALS, seed=SEED))
    one = _design(1, "pocock")
    mixed = Population(400, NULL.accrual, (Arm((MEDIAN_24, constant(0.09)), (LOSS, LOSS)),) * 2, shares=(0.6, 0.4))
    add("stratified, hazards 1 : 3", run(mixed, at_events(one, EVENTS, stratified=True), TRIALS, seed=SEED))
    add("the same, strata ignored", run(mixed, at_events(one, EVENTS), TRIALS, seed=SEED))
    for ratio, blocks in (((1, 2), (3, 6)), ((2, 1), (3, 6))):
        unequal = Population(400, NULL.accrual, NULL.arms, ratio=ratio, blocks=blocks)
        words = f"{ratio[1]}:{ratio[0]}, treated to control"
        add(words, run(unequal, at_events(one, EVENTS), TRIALS, seed=SEED))
    add("3 looks, two-sided 0.05, claims of benefit",
        run(NULL, at_events(by_spending((1 / 3, 2 / 3, 1.0), 0.05, 2, parse_spending("pocock")), EVENTS), TRIALS,
            seed=SEED))  # fmt: skip
    note("three arms and a control, 3 looks, Holm: any rejected", _family(1.0))
    note("the same where the first arm works: a false rejection", _family(0.5))
    note("2 looks, events re-estimated in the promising zone", _promising())
    note("enrichment of a half: a claim for all or for the half", _share(_enriching().any(axis=1)))
    return [
        "## Designs: type I error",
        "",
        f"{TRIALS:,} simulated trials each (of several arms and with enrichment half as many, with re-estimation a "
        "fifth), without an effect: 400 patients over 24 months, median 24 months, dropout of 0.2 % a month, log-rank "
        f"test at {EVENTS} events, one-sided 2.5 %. Nothing may be above 2.75 %.",
        "",
        *_table(["design", "rejected", "s.e.", "below 2.75 %"], rows),
        "",
        "The log-rank score is skewed where arms are unequal: with 2:1 it rejects a little too often on the side of "
        "the larger arm and too seldom on the other, and both together are right.",
    ]


def _family(hazard_ratio: float) -> MonteCarloEstimate:
    """A false rejection in trials of three arms against a control, the first of which may work."""
    hazards = (1.0, hazard_ratio, 1.0, 1.0)
    arms = tuple(Arm((constant(ratio * math.log(2) / 24),), (LOSS,)) for ratio in hazards)
    population = Population(600, constant(25.0), arms, ratio=(1, 1, 1, 1), blocks=(4,))
    bounds = [
        by_spending((1 / 3, 2 / 3, 1.0), 0.025 / left, 1, parse_spending("obrien-fleming")).upper for left in (1, 2, 3)
    ]
    trials = run_arms(population, (120, 240, 360), TRIALS // 2, seed=SEED)
    rejected = holm_rejections(trials.z, bounds)
    return _share((rejected if hazard_ratio == 1.0 else rejected[:, 1:]).any(axis=1))


def _promising() -> MonteCarloEstimate:
    """Trials of two looks whose events are raised where the first is promising."""
    upper = _design(2, "obrien-fleming").upper
    rule, planned, first = Promising(0.3, 0.9, 1.5), 160, 80
    totals = list(range(planned, 241))
    z = run_arms(NULL, (first, *totals), TRIALS // 5, seed=SEED).z[:, :, 0]
    rejected = np.zeros(len(z), dtype=np.bool_)
    for trial, seen in enumerate(z):
        total = new_events(rule, 0.5, first, seen[0], upper[1], planned)
        last = weighted_z(0.5, (first, seen[0]), (total, seen[1 + totals.index(total)]))
        rejected[trial] = seen[0] >= upper[0] or last >= upper[1]
    return _share(rejected)


def _enriching() -> NDArray[np.bool_]:
    """Claims for all and for the subgroup, of trials that may go on in the subgroup."""
    from tests.designs.test_enrichment import simulate

    return simulate(1.0, 1.0, TRIALS // 2, SEED)[:, 1:]


def _share(chosen: NDArray[np.bool_]) -> MonteCarloEstimate:
    p = float(chosen.mean())
    return MonteCarloEstimate(p, math.sqrt(p * (1.0 - p) / len(chosen)))


def power() -> list[str]:
    """Simulated trials with an effect, against the integrals."""
    design = by_spending(
        (0.5, 0.75, 1.0), 0.025, 1, parse_spending("obrien-fleming"), Futility(0.1, parse_spending("pocock"))
    )
    rows = []
    for hazard_ratio in (0.6, 0.7, 0.8):
        events = (design.drift or 0.0) ** 2 * 4.0 / math.log(hazard_ratio) ** 2
        patients = 2 * math.ceil(0.75 * events)
        arms = (Arm((MEDIAN_24,), (LOSS,)), Arm((constant(hazard_ratio * math.log(2) / 24),), (LOSS,)))
        trials = run(
            Population(patients, constant(patients / 24), arms), at_events(design, events), TRIALS // 2, seed=SEED
        )
        planned = design.operating(design.drift or 0.0)
        for look, expected in enumerate(np.cumsum(planned.rejected), 1):
            seen = trials.rejected_by(look)
            rows.append([hazard_ratio, math.ceil(events), look, f"{expected:.4f}", f"{seen.value:.4f} ({seen.se:.4f})"])
        seen = trials.expected_events
        rows.append([hazard_ratio, math.ceil(events), "events at the stop", f"{planned.information * events:.1f}",
                     f"{seen.value:.1f} ({seen.se:.2f})"])  # fmt: skip
    return [
        "## Designs: power and expected events",
        "",
        f"{TRIALS // 2:,} simulated trials each of proportional hazards, against the integrals for three looks "
        "(O'Brien-Fleming, futility by Pocock spending of 0.1). The integrals are those of the limit for small "
        "effects.",
        "",
        *_table(["hazard ratio", "maximal events", "rejected by look", "integral", "simulated (s.e.)"], rows),
    ]


def published_power() -> list[str]:
    """Published sequential designs, simulated: against published simulations, and against published closed forms."""
    return [*_delayed(), "", *_large_effects()]


#: The Fleming-Harrington tests of the published simulation.
_WEIGHTS = {"logrank": (0.0, 0.0), "FH(0,1)": (0.0, 1.0), "FH(0,0.5)": (0.0, 0.5), "FH(0.5,0.5)": (0.5, 0.5)}


def _delayed() -> list[str]:
    case, hazard = CASES["nph04_WLR_delay_sim"], math.log(2) / 15
    obf = parse_spending("obrien-fleming")
    design = by_spending((1 / 3, 2 / 3, 1.0), 0.025, 1, obf, Futility(0.1, obf))
    rows: list[list[object]] = []
    for name, published in case.expected.items():
        delayed, lost = Steps((4.0,), (hazard, 0.6 * hazard)), constant(0.001)
        arms = (Arm((constant(hazard),), (lost,)), Arm((delayed,), (lost,)))
        population = Population(published["N"], constant(published["N"] / 12), arms)
        times = (12.0, 24.0, 36.0)
        looks = Schedule((0,) * 3, design.upper, design.lower, earliest=times, weights=_WEIGHTS[name])
        stopping = run(population, looks, TRIALS // 2, seed=SEED)
        never = replace(looks, upper=(math.inf,) * 3, lower=(-math.inf,) * 3)
        going_on = run(population, never, TRIALS // 10, seed=SEED)
        for k in range(3):
            power, events = stopping.rejected_by(k + 1), going_on.events[:, k]
            rows.append(
                [
                    name,
                    k + 1,
                    f"{published['events'][k]:.2f}",
                    f"{events.mean():.2f} ({events.std() / math.sqrt(len(events)):.2f})",
                    f"{published['cum_power'][k]:.2f}",
                    f"{power.value:.4f} ({power.se:.4f})",
                ]
            )
    return [
        "## Designs: published power, simulated",
        "",
        "An effect that comes after four months, three looks at fixed times, and 10,000 published trials for each test "
        f"(`nph04_WLR_delay_sim`, standard error of power about 0.005), against {TRIALS // 2:,} of ours. Boundaries "
        "spend alpha and a beta of 0.1 by O'Brien-Fleming at thirds.",
        "",
        *_table(["test", "look", "events published", "ours (s.e.)", "power published", "ours (s.e.)"], rows),
    ]


def _large_effects() -> list[str]:
    """Published closed forms of sequential designs with a hazard ratio of 0.5."""
    cases = {
        "ss10_rpact_gs2": (
            _two_arms(406, 12.0, 0.02, constant(0.0)), of_shape([0.5, 1.0], 0.025, 1, 0.0), 65.854457, 0.8,
        ),
        "ss11_gsSurv_90pct": (
            _two_arms(122, 24.0, math.log(2) / 6, constant(math.log(2) / 40)), _four_looks(), 88.0, 0.9,
        ),
    }  # fmt: skip
    rows: list[list[object]] = []
    for name, (population, design, events, planned) in cases.items():
        stopping = run(population, at_events(design, events), TRIALS // 2, seed=SEED)
        never = replace(at_events(design, events), upper=(math.inf,) * design.looks, lower=(-math.inf,) * design.looks)
        going_on = run(population, never, TRIALS // 2, seed=SEED)
        # What the integral gives with the mean that the log-rank z really has under such an effect.
        mean, spread = going_on.z.mean(axis=0), going_on.z.std(axis=0)
        shaped = replace(design, effect=tuple((mean / np.sqrt(design.information)).tolist()))
        corrected = np.cumsum(shaped.operating(1.0).rejected)
        limit = np.cumsum(design.operating(design.drift_for(planned)).rejected)
        for look in range(design.looks):
            seen = stopping.rejected_by(look + 1)
            rows.append(
                [
                    f"`{name}`",
                    look + 1,
                    f"{limit[look]:.4f}",
                    f"{seen.value:.4f} ({seen.se:.4f})",
                    f"{corrected[look]:.4f}",
                    f"{spread[look]:.3f}",
                ]
            )
    return [
        "Published closed forms of sequential designs of exponential arms with a hazard ratio of 0.5, "
        f"{TRIALS // 2:,} trials each. The published power, which trialsim's integrals give to the last digit, is that "
        "of the limit for small effects. With so large an effect and so few events the log-rank z of real "
        "trials has a smaller mean, since the arm that does worse runs out of patients at risk, and another "
        "spread and skewness: simulated power is below what was published, at early looks most. The mean put "
        "into the integral takes away most of the difference. No simulation can agree with these two within "
        "Monte-Carlo error; with smaller effects, and with published simulations, it does.",
        "",
        *_table(
            ["case", "rejected by look", "published", "simulated (s.e.)", "integral with the mean of z", "s.d. of z"],
            rows,
        ),
    ]


def _two_arms(patients: int, accrual: float, hazard: float, dropout: Steps) -> Population:
    arms = tuple(Arm((constant(ratio * hazard),), (dropout,)) for ratio in (1.0, 0.5))
    return Population(patients, constant(patients / accrual), arms)


def _four_looks() -> Boundaries:
    return by_spending((0.25, 0.5, 0.75, 1.0), 0.025, 1, parse_spending("hwang-shih-decani(-4)"))


def _design(looks: int, family: str) -> Boundaries:
    return by_spending([(k + 1) / looks for k in range(looks)], 0.025, 1, parse_spending(family))


def _table(head: list[str], rows: list[list[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]
