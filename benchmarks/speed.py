"""Prints how fast patients live, as ratios taken in one run: ``python -m benchmarks.speed``.

Seconds are those of this process's processor time, so that other work on the machine counts little; what is compared
is timed in turns. Compilation and the drawing of traits are left out, everything else of a patient is in: streams,
preparation, the course, what is kept of it. About a minute; ``--write`` puts the table into benchmarks/README.md.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simpy

from benchmarks import replicates
from trialsim.biology import populations as p
from trialsim.biology import rates as r
from trialsim.biology.network import lesion_network
from trialsim.biology.sbml import write_sbml
from trialsim.chance.stream import open_stream
from trialsim.collecting import uncollected
from trialsim.compiling import compiled
from trialsim.conduct.competing_times import CompetingTimes, draw_competing_times
from trialsim.conduct.patient_process import PatientProcess
from trialsim.errors import UsageError
from trialsim.patient.advance import advance
from trialsim.patient.bank import follow_all
from trialsim.patient.cells import step_cells
from trialsim.patient.cohort import sample_traits
from trialsim.patient.course import Courses
from trialsim.patient.prepare import TRACE_ROWS
from trialsim.patient.state import PATIENT, Copies, make_copies, view, view_in_python
from trialsim.patient.warm_up import compile_kernels
from trialsim.records import Event, PatientRecord, Traits
from trialsim.rng import Purpose
from trialsim.schedule import Timetable
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.structured import Counts, named
from trialsim.treatment.library import load_library
from trialsim.treatment.platelets import set_at_rest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "benchmarks" / "README.md"
FLAGSHIP = "breast-adjuvant-navitoclax"
YEAR = 365.25
FOLLOW_UP = 5 * YEAR
SEED = 20261122
PATIENTS = 300
TURNS = 5


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    measured: str
    target: str


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def in_turns(*works: Callable[[], object]) -> list[float]:
    """Median seconds of each, timed by turns after a first call that is not timed."""
    for work in works:
        work()
    rows = [[seconds(work) for work in works] for _ in range(TURNS)]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


class Patients:
    """Patients of the flagship under both of its arms, for five years, in either loop."""

    def __init__(self, protocol: ResolvedProtocol, traits: Sequence[Traits]) -> None:
        self._protocol = protocol
        self._traits = dict(enumerate(traits, start=1))
        self._times = {n: draw_competing_times(protocol, own, n, seed=SEED) for n, own in self._traits.items()}
        self._timetables = {name: Timetable(arm, protocol.follow_up, FOLLOW_UP) for name, arm in protocol.arms.items()}

    @property
    def lived(self) -> int:
        """Courses in one pass over both arms."""
        return len(self._traits) * len(self._timetables)

    def in_bank(self) -> None:
        """The compiled loop."""
        ends = {number: times.ends for number, times in self._times.items()}
        for name, arm in self._protocol.arms.items():
            follow_all(self._protocol, arm, self._timetables[name], self._traits, seed=SEED, ends=ends)

    def in_processes(self) -> None:
        """The trial's processes on a SimPy calendar, everyone randomised on its first day."""
        protocol, events = self._protocol, list[Event]()
        for name, arm in protocol.arms.items():
            env, courses = simpy.Environment(), Courses(protocol, seed=SEED)
            for number, own in self._traits.items():
                visits = self._timetables[name].of(number, math.inf, seed=SEED)
                process = PatientProcess(
                    PatientRecord(number, name, 1, "", randomised_day=0.0, traits=dict(own)),
                    arm,
                    courses(number, arm, own, visits),
                    CompetingTimes(*self._times[number]),
                    log=events.append,
                    post_relapse=lambda _site: math.inf,
                )
                env.process(process.follow(env))
            with uncollected():
                env.run(until=FOLLOW_UP + 1.0)


def loops(protocol: ResolvedProtocol) -> list[Line]:
    """Bank against processes, and both against the number of patients."""
    traits = sample_traits(protocol.cohort, 4 * PATIENTS, seed=SEED)
    few, many = Patients(protocol, traits[:PATIENTS]), Patients(protocol, traits)
    compiled, processes, larger = in_turns(few.in_bank, few.in_processes, many.in_bank)
    return [
        Line("flagship, 5 years: compiled loop, patients/s/core", f"{few.lived / compiled:,.0f}", "5,000"),
        Line("flagship, 5 years: SimPy path, patients/s/core", f"{few.lived / processes:,.0f}", "1,000"),
        Line("compiled loop against SimPy path", f"{processes / compiled:.1f} x", ""),
        Line(f"{4 * PATIENTS:,} patients against {PATIENTS:,}, compiled loop", f"{larger / compiled:.2f} x", "4 x"),
    ]


def lesion() -> tuple[Counts, r.Rates]:
    """1e5 cells that divide, die, arrest, age, are cleared and escape; their number hardly changes."""
    cells = np.zeros(p.N_POPULATIONS, np.int64)
    cells[p.RESIDUAL] = 100_000
    rates = r.quiet_rates()
    for name, rate in (
        ("birth", 0.12),
        ("death", 0.11),
        ("escaped_birth", 0.12),
        ("escaped_death", 0.11),
        ("spontaneous_rate", 0.01),
        ("maturation", 0.25),
        ("competence", 0.1),
        ("clearance", 0.02),
        ("escape", 1e-5),
        ("polyploid_share", 0.4),
        ("resistant_share", 0.05),
    ):
        setattr(rates, name, rate)
    return cells, rates


def one_lesion(protocol: ResolvedProtocol, rates: r.Rates, *, traced: bool) -> Copies:
    """A patient of one lesion, without drugs and without an end."""
    copies = make_copies(1, 0, 0, 0, 0, 0, 0, 0, 0, TRACE_ROWS if traced else 0, np.zeros(0, np.uint8))
    own = view_in_python(copies, PATIENT)
    body = named(own.body)[0]
    body.lesions, body.limit, body.looks_ahead_to = 1, math.inf, math.inf
    body.tolerance, body.longest_step = protocol.numerics.tolerance, protocol.numerics.max_step_days
    own.body["rates"] = rates
    own.body["streams"]["cells"] = open_stream(SEED, Purpose.CELLS, subject=1)
    set_at_rest(body.platelets, 1.0)
    return copies


@compiled
def live_a_year(copies: Copies, cells: Counts, paths: int) -> None:
    """Paths of one year from the same cells."""
    own = view(copies, PATIENT)
    body, lesion = own.body[0], own.lesions[0]
    for _ in range(paths):
        for population in range(cells.size):
            lesion.cells[population] = cells[population]
        lesion.quiet = False
        body.now = body.cells_at = body.due = 0.0
        advance(own, YEAR, False)
        step_cells(own, False)


def kernel(protocol: ResolvedProtocol) -> list[Line]:
    """What a step costs, and a year of 1e5 cells against libroadrunner's exact simulation of the same network."""
    cells, rates = lesion()
    traced = one_lesion(protocol, rates, traced=True)
    live_a_year(traced, cells, 1)
    steps, paths = int(view_in_python(traced, PATIENT).body["traced"][0]), 2000
    plain = one_lesion(protocol, rates, traced=False)
    (ours,) = in_turns(lambda: live_a_year(plain, cells, paths))
    ours /= paths
    lines = [
        Line("kernel, one lesion of 1e5 cells: microseconds a step", f"{1e6 * ours / steps:.2f}", ""),
        Line(f"kernel, one year of 1e5 cells ({steps} steps): microseconds", f"{1e6 * ours:.0f}", ""),
    ]
    try:
        exact = roadrunner_year(cells, rates)
    except (ImportError, UsageError) as missing:
        return [*lines, Line("kernel against libroadrunner's exact SSA", f"not measured: {missing}", "10,000 x")]
    return [
        *lines,
        Line("libroadrunner's exact SSA, the same year: seconds", f"{exact:.2f}", ""),
        Line("kernel against libroadrunner's exact SSA", f"{exact / ours:,.0f} x", "10,000 x"),
    ]


def roadrunner_year(cells: Counts, rates: r.Rates) -> float:
    """Median seconds of one path of one year by libroadrunner's Gillespie method."""
    import roadrunner

    model = roadrunner.RoadRunner(write_sbml(lesion_network(cells, rates), model_id="timed", name="a lesion"))
    model.setIntegrator("gillespie")
    model.integrator.variable_step_size = False
    model.integrator.seed = SEED

    def year() -> None:
        model.reset()
        model.simulate(0.0, YEAR, 2)

    return statistics.median(seconds(year) for _ in range(3))


def designs() -> list[Line]:
    """Trials of conventional arms, three looks each; against rpact where it is installed."""
    test = replicates.OneTest()
    trials, tests = in_turns(replicates.simulate, test)
    rate, other = replicates.TRIALS / trials, replicates.rpact_trials_per_second()
    ratio = "rpact is not installed here" if other is None else f"{rate / other:.1f} x"
    return [
        Line("400 patients, 3 looks, log-rank: trials/s", f"{rate:,.0f}", "19,000 (5 x 3,800 of rpact)"),
        Line("the same against rpact's getSimulationSurvival", ratio, "5 x"),
        Line("log-rank test of 500 patients: milliseconds", f"{1e3 * tests / test.repeats:.4f}", "0.064"),
    ]


def yardstick() -> Line:
    """How fast the machine runs Python now: absolute figures of two days compare through it."""
    n = 2_000_000

    def add() -> None:
        total = 0
        for number in range(n):
            total += number

    (taken,) = in_turns(add)
    return Line("this machine: an addition in a Python loop, nanoseconds", f"{1e9 * taken / n:.0f}", "")


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    rows = ["| what | measured | target |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| {line.what} | {line.measured} | {line.target} |" for line in lines)]) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and with ``--write`` keep."""
    protocol = load_protocol(ROOT / "protocols" / f"{FLAGSHIP}.yaml", load_library())
    compile_kernels()
    text = table([yardstick(), *loops(protocol), *kernel(protocol), *designs()])
    sys.stdout.write(text)
    if "--write" in arguments:
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split("<!-- table -->\n")[0], page.split("<!-- end of table -->\n")[1]
        PAGE.write_text(f"{head}<!-- table -->\n\n{text}\n<!-- end of table -->\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
