"""Writes docs/verification.md from runs: ``python -m benchmarks.verification``.

Every number in the page is computed here; nothing is typed in. Takes a few minutes on two cores. With names of
sections only those are made again: ``python -m benchmarks.verification published-designs``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import designs
from benchmarks.random_draws import random_draws
from benchmarks.steps import steps
from trialsim.patient.bank import follow_all
from trialsim.patient.cohort import sample_traits
from trialsim.schedule import Timetable
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "verification.md"
YEAR = 365.25
PATIENTS = 4000
PATHS = 20_000
SEED = 20261122
CHEMOTHERAPY = ("doxorubicin", "cyclophosphamide", "paclitaxel")


@dataclass(frozen=True)
class Relapses:
    """Detected relapse of many patients without competing death or loss: time in days, cause ("" if none)."""

    days: NDArray[np.float64]
    happened: NDArray[np.bool_]
    traits: list[dict[str, float | str]]
    causes: list[str]


def _protocol(cohort: str) -> ResolvedProtocol:
    """The flagship protocol with a cohort of its own."""
    text = (ROOT / "protocols" / "breast-adjuvant-navitoclax.yaml").read_text(encoding="utf-8")
    path = ROOT / "protocols" / f".verification-{cohort}.yaml"
    try:
        path.write_text(text.replace("breast-high-risk", cohort), encoding="utf-8")
        return load_protocol(path, load_library())
    finally:
        path.unlink(missing_ok=True)


def _live(protocol: ResolvedProtocol, drop: tuple[str, ...], horizon: float, part: range) -> list[tuple[float, str]]:
    """Day and cause of detected relapse of some patients in the control arm; (horizon, "") without one."""
    arm = protocol.arms["control"]
    arm = arm.model_copy(update={"orders": tuple(o for o in arm.orders if o.agent not in drop)})
    timetable = Timetable(arm, protocol.follow_up, horizon)
    traits = sample_traits(protocol.cohort, part.stop, seed=SEED)
    lives = follow_all(protocol, arm, timetable, {n + 1: traits[n] for n in part}, seed=SEED)
    days = np.where(lives.relapsed, lives.of("relapse"), horizon)
    return list(zip(days.tolist(), lives.causes, strict=True))


def simulate(
    cohort: str,
    drop: tuple[str, ...],
    jobs: int = 2,
    gains: dict[str, float] | None = None,
    horizon: float = 15 * YEAR,
) -> Relapses:
    """Detected relapse in the control arm; ``drop`` are agents not given, ``gains`` mechanisms scaled."""
    protocol = _protocol(cohort)
    protocol = protocol.model_copy(update={"biology": {**protocol.biology, **(gains or {})}})
    chunk = PATIENTS // (4 * jobs)
    parts = [range(start, min(start + chunk, PATIENTS)) for start in range(0, PATIENTS, chunk)]
    with ProcessPoolExecutor(jobs) as pool:
        rows = [row for done in pool.map(partial(_live, protocol, drop, horizon), parts) for row in done]
    traits = sample_traits(protocol.cohort, PATIENTS, seed=SEED)
    days = np.array([day for day, _ in rows])
    causes = [cause for _, cause in rows]
    return Relapses(days, np.array([bool(c) for c in causes]), traits, causes)


def _percent(days: NDArray[np.float64], happened: NDArray[np.bool_], years: list[float]) -> list[float]:
    """Everyone is followed to the end, so a share is a count."""
    return [100.0 * float(np.mean(happened & (days <= y * YEAR))) for y in years]


def _hazards(days: NDArray[np.float64], happened: NDArray[np.bool_], edges: list[float]) -> list[float]:
    """Relapses per 100 person-years in each period; the last periods end with the simulation."""
    out = []
    for low, high in pairwise(edges):
        at_risk = np.clip(np.minimum(days, high * YEAR) - low * YEAR, 0, None).sum() / YEAR
        events = (happened & (days > low * YEAR) & (days <= high * YEAR)).sum()
        out.append(100.0 * events / at_risk if at_risk else float("nan"))
    return out


_FAST = ("basal", "her2", "claudin_low")


def _members(name: str, relapses: Relapses) -> NDArray[np.bool_]:
    """Which simulated patients belong to a group of the METABRIC table."""
    if name == "all":
        return np.ones(len(relapses.traits), bool)
    if name.startswith("basal"):
        return np.array([t["subtype"] in _FAST for t in relapses.traits])
    if name.startswith("luminal"):
        return np.array([t["subtype"] not in _FAST for t in relapses.traits])
    trait, level = name.split()
    return np.array([t[trait] == level for t in relapses.traits])


def _row(cells: list[object]) -> str:
    return "| " + " | ".join(str(c) for c in cells) + " |"


def _table(head: list[str], rows: list[list[object]]) -> list[str]:
    return [_row(list(head)), _row(["---"] * len(head)), *map(_row, rows), ""]


def metabric() -> list[str]:
    real = json.loads((ROOT / "benchmarks" / "metabric_relapse.json").read_text(encoding="utf-8"))
    years = real["years"]
    lines = [
        "## Real patients: METABRIC",
        "",
        f"{real['source']} Simulated: {PATIENTS} patients a cohort, detected relapse, nobody lost or dead of other "
        "causes. z is the difference in standard errors of the METABRIC estimate.",
        "",
        "Fitted, by random search: disseminated burden (median and spread) and dormant share of two groups of "
        "subtypes, number of foci by nodes and (high risk only) the unresponsive share, to cumulative relapse at 1, "
        "2, 3, 5, 8 and 12 years in the two groups and, with a third of the weight, by nodes. The chance of tumour "
        "in the local bed was set to 0.2, so that about 8 % relapse locally within ten years of radiation. Held out:"
        " relapse by p53 status. Doubling times, escape, awakening and the fate of damaged cells were not fitted. "
        "Gompertz growth took the place of exponential growth when the latter, at these doubling times, put relapse "
        "of fast disease years too late.",
        "",
    ]
    for cohort, drop in (("breast-high-risk", ()), ("breast-early", CHEMOTHERAPY)):
        relapses = simulate(cohort, drop)
        told = real["cohorts"][cohort]
        lines += [f"### {cohort}: METABRIC women {told['women']}, simulated the same", ""]
        head = ["group", "", *(f"{y} y, %" for y in years), "hazard per 100 person-years, by period"]
        rows: list[list[object]] = []
        apart: list[str] = []
        for kind in ("fitted", "looked_at", "held_out"):
            for name, values in told[kind].items():
                own = _members(name, relapses)
                ours = _percent(relapses.days[own], relapses.happened[own], years)
                hazards = _hazards(relapses.days[own], relapses.happened[own], [0, 1, 2, 3, 5, 8, 12])
                theirs = values["relapse_percent"]
                z = [(a - b) / s for a, b, s in zip(ours, theirs, values["standard_error"], strict=True)]
                label = f"{name.replace('_', ' ')} ({kind.replace('_', ' ')})"
                rows.append(
                    [label, f"METABRIC, n = {values['n']}", *theirs, _spaced(values["hazard_per_100_person_years"][:6])]
                )
                rows.append(["", f"simulated, n = {int(own.sum())}", *(f"{x:.1f}" for x in ours), _spaced(hazards)])
                rows.append(["", "z", *(f"{x:+.1f}" for x in z), ""])
                apart += [
                    f"{name.replace('_', ' ')} at {y} y ({x:+.1f})" for x, y in zip(z, years, strict=True) if abs(x) > 3
                ]
        lines += _table(head, rows)
        lines += [f"More than 3 standard errors from METABRIC: {', '.join(apart) or 'none'}.", ""]
        found = [c for c in relapses.causes if c]
        shares = {c: found.count(c) / len(found) for c in sorted(set(found), key=found.count, reverse=True)}
        lines += [
            "Causes of relapse in the simulation: "
            + ", ".join(f"{c} {100 * s:.0f} %" for c, s in shares.items())
            + ".",
            "",
        ]
    return lines


#: The periods of METABRIC's hazards, years.
PERIODS = [0, 1, 2, 3, 5, 8, 12, 20]


def hazard_shapes() -> list[str]:
    """Hazards of relapse by kind of subtype over twenty years: early peak, crossing, tail."""
    real = json.loads((ROOT / "benchmarks" / "metabric_relapse.json").read_text(encoding="utf-8"))
    cohort = "breast-early"
    relapses = simulate(cohort, CHEMOTHERAPY, horizon=20 * YEAR)
    periods = [f"{a}-{b} y" for a, b in pairwise(PERIODS)]
    rows: list[list[object]] = []
    shapes: dict[str, list[float]] = {}
    for name, values in real["cohorts"][cohort]["fitted"].items():
        own = _members(name, relapses)
        shapes[name] = _hazards(relapses.days[own], relapses.happened[own], [float(p) for p in PERIODS])
        rows.append([name, "METABRIC", *(f"{x:.1f}" for x in values["hazard_per_100_person_years"])])
        rows.append(["", "simulated", *(f"{x:.1f}" for x in shapes[name])])
    fast, luminal = shapes.values()
    crossing = next((i for i, (a, b) in enumerate(zip(fast, luminal, strict=True)) if a < b), None)
    told = "they do not cross" if crossing is None else f"they cross in or before years {periods[crossing][:-2]}"
    peak = periods[int(np.argmax(fast))]
    theirs = real["cohorts"][cohort]["fitted"]["luminal and normal-like"]["hazard_per_100_person_years"]
    return [
        "## The shape of hazards by subtype",
        "",
        f"Relapses per 100 person-years at risk, `{cohort}` without chemotherapy, {PATIENTS} patients, nobody lost or "
        "dead of other causes.",
        "",
        *_table(["subtypes", "", *periods], rows),
        f"Simulated: the hazard of basal, HER2 and claudin-low disease peaks in {peak}; against luminal disease {told}"
        f"; the luminal hazard in years 12 to 20 is {luminal[-1] / luminal[-3]:.2f} times that in years 5 to 8 ("
        f"METABRIC {theirs[-1] / theirs[-3]:.2f}).",
        "",
    ]


def _spaced(values: list[float]) -> str:
    return " ".join(f"{v:.1f}" for v in values)


def kernel() -> list[str]:
    from tests.biology.networks import NETWORKS
    from tests.biology.test_kernel_against_exact import mean_errors
    from tests.biology.twins import compare, exact_paths, kernel_paths

    lines = [
        "## The kernel against its exact twin",
        "",
        f"{len(NETWORKS)} small networks, {PATHS} paths each, kernel at default tolerance against Gillespie's direct "
        "method with the same rates: mean, variance and extinction of ten groups of cells. |z| is the difference in "
        "combined standard errors. Of 30 comparisons a network, of which about ten are free, a right kernel gives "
        "about 0.03 beyond 3.",
        "",
    ]
    rows: list[list[object]] = []
    for number, network in enumerate(NETWORKS):
        ours = kernel_paths(network.cells, network.rates, network.until, paths=PATHS, seed=SEED + number)
        exact = exact_paths(network.cells, network.rates, network.until, paths=PATHS, seed=SEED + 100 + number)
        compared = compare(ours, exact)
        worst = max(compared, key=lambda c: abs(c.z))
        moments = [c for c in compared if c.statistic != "extinction" and c.exact > 0.5]
        relative = {
            s: max(abs(c.kernel / c.exact - 1) for c in moments if c.statistic == s) for s in ("mean", "variance")
        }
        zeros = max(abs(c.kernel - c.exact) for c in compared if c.statistic == "extinction")
        rows.append(
            [network.name, network.until, f"{worst.z:+.1f} ({worst.group}, {worst.statistic})"]
            + [f"{100 * relative[s]:.1f} %" for s in ("mean", "variance")]
            + [f"{100 * zeros:.2f} points"]
        )
    head = ["network", "days", "largest z", "largest error of a mean", "of a variance", "of an extinction probability"]
    lines += _table(head, rows)
    lines += [
        "The errors in the last three columns hold sampling noise of both sides (1 to 2 % on a variance).",
        "",
        "Mean at 10^8 cells against the linear ODE (matrix exponential), by longest step, without other limits on it:",
        "",
    ]
    steps = (28.0, 14.0, 7.0, 3.5)
    errors = {h: mean_errors(h, 10.0) for h in steps}
    groups = list(errors[28.0])
    lines += _table(
        ["longest step, days", *groups], [[h, *(f"{100 * errors[h][g]:+.3f} %" for g in groups)] for h in steps]
    )
    lines += ["Halving the step divides the error by about four: the composition is of second order.", ""]
    return lines


#: What the coupled kernel is allowed at default tolerance: of a mean, of a variance, of an extinction probability.
ALLOWED = {"mean": 0.02, "variance": 0.05, "extinction": 0.01}
COUPLED_PATHS = 60_000


def _coupled_paths(number: int) -> tuple[Any, Any]:
    from tests.biology.networks import COUPLED
    from tests.biology.twins import exact_paths, kernel_paths

    own = COUPLED[number]
    shared = {"paths": COUPLED_PATHS, "infiltrate": own.infiltrate}
    ours = kernel_paths(own.cells, own.rates, own.until, seed=SEED + number, **shared)
    return ours, exact_paths(own.cells, own.rates, own.until, seed=SEED + 100 + number, **shared)


def coupled() -> list[str]:
    """Weak error of the coupled kernel against exact SSA."""
    from tests.biology.networks import COUPLED
    from tests.biology.twins import compare

    lines = [
        "## The coupled kernel against exact SSA",
        "",
        f"Four small lesions in which everything hangs on everything, {COUPLED_PATHS:,} paths each of the kernel at "
        "its default tolerance and of Gillespie's method: the secretome's load drives growth, paracrine arrest, "
        "seeding, waking, and through the infiltrate immune killing and clearance. Couplings are several times "
        "stronger than in any cohort. Allowed: 2 % of a mean, 5 % of a variance, one point of an extinction "
        "probability; a group counts whose mean is above half a cell. Largest errors, with twice their sampling error "
        "in brackets:",
        "",
    ]
    with ProcessPoolExecutor(2) as pool:
        paths = list(pool.map(_coupled_paths, range(len(COUPLED))))
    rows: list[list[object]] = []
    for network, (ours, exact) in zip(COUPLED, paths, strict=True):
        compared = compare(ours, exact)
        present = {c.group for c in compared if c.statistic == "mean" and c.exact > 0.5}
        cells: list[object] = [network.name, f"{network.until:g}"]
        within = True
        for statistic, allowed in ALLOWED.items():
            of = [c for c in compared if c.statistic == statistic and c.group in present]
            scale = [1.0 if statistic == "extinction" else c.exact for c in of]
            errors = [(c.kernel - c.exact) / s for c, s in zip(of, scale, strict=True)]
            noise = [2 * abs(e / c.z) if c.z else 0.0 for c, e in zip(of, errors, strict=True)]
            # What noise alone may be is not held against the kernel, nor for it: the one that is farthest out is shown.
            at = max(range(len(of)), key=lambda i: abs(errors[i]) - noise[i])
            within &= abs(errors[at]) - noise[at] <= allowed
            unit = "points" if statistic == "extinction" else "%"
            cells.append(f"{100 * errors[at]:+.2f} {unit} ({100 * noise[at]:.2f}) {of[at].group}")
        rows.append([*cells, "yes" if within else "**no**"])
    return lines + _table(["lesion", "days", "mean", "variance", "extinction", "within what is allowed"], rows)


TOLERANCES = (0.4, 0.2, 0.1, 0.05, 0.02, 0.01)


def _gompertz_ode(network: Any, until: float) -> NDArray[np.float64]:
    """Means of a lesion under Gompertz growth when counts are large: the linear network with scaled growth."""
    from scipy.integrate import solve_ivp

    from tests.biology.test_kernel_against_exact import mean_field
    from trialsim.biology.populations import DORMANT, SENESCENT
    from trialsim.biology.rates import crowding_factor

    rates = network.rates
    linear = mean_field(rates)
    cycling = [at for at in range(SENESCENT) if at != DORMANT]
    net = np.array([linear[at, at] for at in cycling])

    def slope(_: float, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        crowd = crowding_factor(float(cells.sum()), rates.capacity, rates.reference, rates.crowding)
        change = linear @ cells
        change[cycling] += (crowd - 1.0) * net * cells[cycling]
        return change

    solved = solve_ivp(slope, (0.0, until), network.cells.astype(float), rtol=1e-9, atol=1e-3, method="LSODA")
    return np.asarray(solved.y[:, -1])


def _growing_lesion() -> Any:
    """1e6 cycling cells with everything that a patient's lesion has, growing to some 1e8 in two years."""
    from tests.biology.networks import Network
    from trialsim.biology.populations import N_POPULATIONS, RESIDUAL
    from trialsim.biology.rates import quiet_rates

    cells = np.zeros(N_POPULATIONS, np.int64)
    cells[RESIDUAL] = 10**6
    rates = quiet_rates()
    values = {
        "net": 0.007,
        "escaped_net": 0.009,
        "birth": 0.14,
        "death": 0.128,
        "spontaneous_rate": 0.005,
        "maturation": 0.25,
        "competence": 0.1,
    }
    values |= {"clearance": 0.02, "escape": 1e-3, "polyploid_share": 0.4, "escaped_birth": 0.05, "escaped_death": 0.036}
    values |= {"capacity": 3.1e12, "reference": 1e9, "crowding": 1.0}
    for name, value in values.items():
        setattr(rates, name, value)
    return Network("growing lesion", cells, rates, 400.0)


def convergence() -> list[str]:
    from tests.biology.twins import groups, kernel_paths

    network = _growing_lesion()
    ode = groups(_gompertz_ode(network, network.until)[None, :])
    names = ("cycling", "escaped", "mature")
    rows: list[list[object]] = []
    errors: dict[str, list[float]] = {name: [] for name in names}
    for tolerance in TOLERANCES:
        paths = kernel_paths(
            network.cells, network.rates, network.until, paths=400, seed=SEED, tolerance=tolerance, longest=1e3
        )
        ours = groups(paths)
        relative = {n: float(ours[n].mean() / ode[n][0] - 1.0) for n in names}
        for name in names:
            errors[name].append(relative[name])
        noise = max(float(ours[n].std() / ours[n].mean() / 20.0) for n in names)
        rows.append([tolerance, *(f"{100 * relative[n]:+.3f} %" for n in names), f"{100 * noise:.3f} %"])
    lines = [
        "## Convergence of the whole lesion with the tolerance",
        "",
        "Gompertz growth couples every population to the total. A lesion of 10^6 cells that senesces, ages, escapes "
        f"and grows for {network.until:.0f} days, mean of 400 paths, against the ODE (scipy, LSODA); the longest step "
        "is set by the tolerance alone. The default tolerance is 0.05.",
        "",
        *_table(["tolerance", *names, "largest sampling error"], rows),
        "![Error against tolerance](images/convergence.svg)",
        "",
    ]
    (ROOT / "docs" / "images" / "convergence.svg").write_text(_error_plot(errors), encoding="utf-8")
    return lines


def _error_plot(errors: dict[str, list[float]]) -> str:
    """Absolute relative error against tolerance, both on log axes, as a small SVG."""
    width, height, left, bottom = 520, 320, 70, 50
    x_span, y_span = (-2.1, -0.3), (-5.0, 0.0)

    def place(tolerance: float, error: float) -> tuple[float, float]:
        x = left + (np.log10(tolerance) - x_span[0]) / (x_span[1] - x_span[0]) * (width - left - 110)
        y = (y_span[1] - max(y_span[0], np.log10(max(abs(error), 1e-9)))) / (y_span[1] - y_span[0])
        return float(x), float(20 + y * (height - bottom - 20))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(-5, 1):
        _, y = place(0.1, 10.0**power)
        parts.append(f'<path d="M{left} {y:.1f}H{width - 110}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * 10.0**power:g} %</text>')
    for tolerance in TOLERANCES:
        x, _ = place(tolerance, 1.0)
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tolerance:g}</text>')
    parts.append(f'<text x="{(width - 40) / 2}" y="{height - 10}" text-anchor="middle">tolerance</text>')
    taken: list[float] = []
    for (name, values), (color, dash) in zip(
        sorted(errors.items(), key=lambda item: -abs(item[1][0])),
        (("#0072B2", ""), ("#D55E00", "6 3"), ("#009E73", "2 3")),
        strict=True,
    ):
        points = [place(t, e) for t, e in zip(TOLERANCES, values, strict=True)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        taken.append(max(points[0][1] + 4.0, taken[-1] + 14.0 if taken else 0.0))
        parts.append(f'<text x="{points[0][0] + 8:.1f}" y="{taken[-1]:.1f}" fill="{color}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


#: Gains that are switched off, and the causes that must vanish with them. Neighbours and the host's stroma arrest
#: untreated cells too, which then have the label of spontaneous senescence.
KNOCK_OUTS = {
    ("escape",): ("escape",),
    ("awakening",): ("awakened dormancy",),
    ("spontaneous_senescence", "sasp.arrest"): ("spontaneous-senescence escape",),
    ("chemo_senescence",): ("TIS escape (DNA damage)", "TIS escape (antimitotic drug)"),
    ("radiation_senescence",): ("TIS escape (radiation)",),
}


def knock_outs() -> list[str]:
    """Relapses by cause in the flagship's control arm with one mechanism after the other switched off."""
    on = _by_cause({})
    causes = sorted(on, key=lambda c: -on[c])
    rows: list[list[object]] = [["none", *(on[c] for c in causes), sum(on.values()), ""]]
    for gains, owned in KNOCK_OUTS.items():
        off = _by_cause(dict.fromkeys(gains, 0.0))
        left = sum(n for cause, n in off.items() if any(word in cause for word in owned))
        others = [c for c in causes if not any(word in c for word in owned)]
        # Patients are the same; a cause that did not depend on the mechanism differs by chance and by competition.
        z = max((abs(off.get(c, 0) - on[c]) / np.sqrt(max(off.get(c, 0) + on[c], 1)) for c in others), default=0.0)
        rows.append(
            [
                " and ".join(gains),
                *(off.get(c, 0) for c in causes),
                sum(off.values()),
                f"{left} left; others within {z:.1f}",
            ]
        )
    return [
        "## Causes and knock-outs",
        "",
        f"Relapses of {PATIENTS} patients of `breast-high-risk` in the control arm within 15 years, by the cause that"
        " the simulator names, with all mechanisms on and with one switched off. The causes that a mechanism makes "
        "must vanish with it. The others rise where another lineage of the same patient takes the place, most of all"
        " without senescence after chemotherapy: the senescent cells of before it, which it spares, then have no "
        "rivals in their lesions. Otherwise they differ by chance (last column: the largest difference in standard "
        "errors of a Poisson count). In twins, `trialsim mechanisms M22` judges who had which cause.",
        "",
        *_table(["switched off", *causes, "all", "check"], rows),
    ]


def _by_cause(gains: dict[str, float]) -> dict[str, int]:
    found = [c for c in simulate("breast-high-risk", (), gains=gains).causes if c]
    return {cause: found.count(cause) for cause in set(found)}


SECTIONS: dict[str, Callable[[], list[str]]] = {
    "kernel": kernel,
    "coupled": coupled,
    "convergence": convergence,
    "steps": steps,
    "metabric": metabric,
    "hazards": hazard_shapes,
    "knock-outs": knock_outs,
    "published-designs": designs.published,
    "type-one-error": designs.type_one_error,
    "power": designs.power,
    "published-power": designs.published_power,
    "random-draws": random_draws,
}


def main(names: Sequence[str]) -> None:
    """Write the page, or put some of its sections in place of what they were."""
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown:
        raise SystemExit(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    made = {name: "\n".join(work()).rstrip() for name, work in SECTIONS.items() if not names or name in names}
    if names:
        page = PAGE.read_text(encoding="utf-8")
        for text in made.values():
            page = _put(page, text)
    else:
        head = "# Verification\n\nGenerated by `python -m benchmarks.verification`; nothing here is typed by hand."
        page = "\n\n".join([head, *made.values()]) + "\n"
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")


def _put(page: str, text: str) -> str:
    """A section in the place of the one with its heading, or at the end."""
    heading = text.splitlines()[0]
    parts = re.split(r"(?m)^(?=## )", page)
    for at, part in enumerate(parts):
        if part.splitlines()[0] == heading:
            parts[at] = text + "\n\n"
            return "".join(parts).rstrip() + "\n"
    return page.rstrip() + "\n\n" + text + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
