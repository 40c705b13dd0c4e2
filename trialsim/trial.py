"""The composition root: a resolved protocol and a seed become a trial's results.

The layers below are put together here and nowhere else.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from trialsim import __version__, results
from trialsim.analysis import AnalysisPlan, analyse, summarise
from trialsim.analysis.conclusion import Sequential
from trialsim.conduct import NewCourse, conduct_trial, conduct_under
from trialsim.endpoints import (
    adsl_frame,
    adtte_frame,
    allocation_table,
    arm_summaries,
    baseline_table,
    csv_text,
    departures,
    events_frame,
    guided_orders,
    harm_table,
    intercurrent_events,
    participant_flow,
    primary_event,
    waiting_times,
)
from trialsim.endpoints.adsl import ADSL_DECIMALS
from trialsim.endpoints.adtte import ADTTE_DECIMALS
from trialsim.endpoints.events_frame import EVENTS_DECIMALS
from trialsim.endpoints.modelled import only_modelled
from trialsim.looks import monitor_of, survival_data
from trialsim.patient.cohort import traits_of_trial
from trialsim.patient.course import Courses
from trialsim.records import Traits, TrialRecord
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.reported.trial import Runtime, Shown, TrialSummary
from trialsim.spec.load import dump_resolved
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.stories import tell_stories

ENDPOINT_LABELS = {
    "rfs": "Relapse-free survival",
    "ttr": "Time to relapse",
    "drfs": "Distant relapse-free survival",
    "os": "Overall survival",
}
#: Packages whose versions can change a result.
PACKAGES = ("numpy", "scipy", "pandas", "lifelines", "simpy", "numba", "pydantic")


@dataclass(frozen=True)
class TrialResults:
    """A finished trial: its tables, and what the report shows of them."""

    protocol: ResolvedProtocol
    seed: int
    record: TrialRecord
    adsl: str
    """ADSL as CSV text; ``adtte`` and ``events`` likewise."""
    adtte: str
    events: str
    analysis: SurvivalAnalysis
    shown: Shown
    """The contents of results.json."""
    summary: TrialSummary
    """The contents of summary.json."""


def run_trial(
    protocol: ResolvedProtocol, seed: int, *, on_progress: Callable[[int, int], None] | None = None
) -> TrialResults:
    """Simulate, analyse and summarise one trial.

    ``on_progress(day, cut_day)`` follows the trial's calendar. It cannot change the trial.
    """
    started = time.perf_counter()
    traits = traits_of_trial(protocol, seed=seed)

    new_course = Courses(protocol, seed=seed)
    monitor = monitor_of(protocol)
    record = conduct_trial(
        protocol,
        seed=seed,
        traits=traits,
        new_course=new_course,
        on_progress=on_progress,
        has_event=primary_event(protocol),
        interim=None if monitor is None else monitor.interim,
    )
    if protocol.endpoint.strategies.discontinuation == "principal-stratum":
        mark_principal_stratum(protocol, record, traits, new_course, seed=seed)
    simulated = time.perf_counter()
    adtte = adtte_frame(record, protocol)
    tables = {
        "adsl": csv_text(adsl_frame(record, protocol), ADSL_DECIMALS),
        "adtte": csv_text(adtte, ADTTE_DECIMALS),
        "events": csv_text(events_frame(record, protocol), EVENTS_DECIMALS),
    }
    analysis = _analysis(protocol, record, adtte, None if monitor is None else monitor.finish(record, adtte))
    shown = Shown(
        analysis=analysis,
        flow=participant_flow(record, protocol),
        allocation=allocation_table(record, protocol),
        baseline=baseline_table(record, protocol),
        biomarkers=guided_orders(record, protocol),
        intercurrent=intercurrent_events(record, protocol),
        waiting=waiting_times(record, protocol),
        harm=harm_table(record, protocol),
        stories=tell_stories(protocol, record, traits, seed=seed),
    )
    finished = time.perf_counter()
    short = summarise(analysis)
    summary = TrialSummary(
        protocol=protocol.name,
        seed=seed,
        version=__version__,
        digest=results.digest_bytes(*(text.encode() for text in tables.values())),
        reference=short.reference,
        departures=short.departures,
        arms=arm_summaries(record, protocol, adtte, short.arms),
        comparisons=short.comparisons,
        runtime=Runtime(round(simulated - started, 3), round(finished - simulated, 3)),
    )
    return TrialResults(protocol, seed, record, **tables, analysis=analysis, shown=shown, summary=summary)


def mark_principal_stratum(
    protocol: ResolvedProtocol, trial: TrialRecord, traits: Sequence[Traits], new_course: NewCourse, *, seed: int
) -> None:
    """Note of a trial's patients whether their treatment would be stopped by the data cut under any arm.

    Every patient is simulated under every arm with the same chance, which no real trial sees.
    """
    stopped: set[int] = set()
    for arm in protocol.arms:
        under = conduct_under(protocol, arm, seed=seed, traits=traits, new_course=new_course, cut_day=trial.cut_day)
        stopped |= {r.patient for r in under.patients if any(c.kind == "discontinuation" for c in r.intercurrent)}
    for record in trial.patients:
        record.in_stratum = record.patient not in stopped


def _analysis(
    protocol: ResolvedProtocol, record: TrialRecord, adtte: pd.DataFrame, sequential: Sequential
) -> SurvivalAnalysis:
    data = survival_data(protocol, record, adtte)
    planned = protocol.analysis
    plan = AnalysisPlan(
        reference=planned.reference,
        arms={name: arm.label for name, arm in protocol.arms.items()},
        alpha=planned.alpha,
        sided=planned.sided,
        test=planned.test,
        confidence_level=planned.confidence_level,
        landmarks_days=planned.landmarks_days,
        rmst_tau_days=protocol.planned_tau_days,
        subgroups=planned.subgroups,
        paramcd=protocol.endpoint.primary.upper(),
        label=ENDPOINT_LABELS[protocol.endpoint.primary],
        followed_days=protocol.follow_up.minimum_days,
    )
    monitored = sequential if isinstance(sequential, tuple) else ()
    raised = [look.raised_to for of_arm in monitored for look in of_arm.looks if look.raised_to]
    fallen_short = departures(record, protocol, raised_to=max(raised, default=None))
    return only_modelled(analyse(data, plan, sequential=sequential, departures=fallen_short), protocol)


def write_data(trial: TrialResults, folder: Path, *, command: str) -> None:
    """Write everything of a run but its page into ``folder``."""
    resolved = dump_resolved(trial.protocol)
    for name, text in (
        (results.ADSL, trial.adsl),
        (results.ADTTE, trial.adtte),
        (results.EVENTS, trial.events),
        (results.PROTOCOL, resolved),
    ):
        (folder / name).write_bytes(text.encode())
    results.write_json(folder, results.RESULTS, trial.shown)
    results.write_json(folder, results.SUMMARY, trial.summary)
    results.write_json(folder, results.MANIFEST, _manifest(trial, resolved, command))


def _manifest(trial: TrialResults, resolved: str, command: str) -> results.Manifest:
    return results.Manifest(
        trialsim="run",
        format=results.FORMAT,
        version=__version__,
        seed=trial.seed,
        protocol=trial.protocol.name,
        command=command,
        digests={"protocol": results.digest_bytes(resolved.encode()), "data": trial.summary.digest},
        packages={name: version(name) for name in PACKAGES},
        python=platform.python_version(),
    )
