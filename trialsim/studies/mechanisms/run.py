"""Run mechanisms: every arm with the switch on and off over processes, then readouts, then the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from trialsim import __version__
from trialsim.errors import TrialsimError
from trialsim.reported.studies import MechanismExperiment, MechanismOutcome, MechanismResult, MechanismsRun
from trialsim.spec.load import load_protocol
from trialsim.spec.shipped import shipped
from trialsim.studies.estimates import saved
from trialsim.studies.mechanisms.compare import as_demanded, is_small
from trialsim.studies.mechanisms.observe import Floats, Seen, Setting, SettingPart, join, live, parts
from trialsim.studies.mechanisms.readouts import READOUTS
from trialsim.studies.mechanisms.registry import CHANGES, SHOWN, DemandedOutcome, Experiment, Mechanism
from trialsim.studies.paired import compare
from trialsim.studies.pool import run_tasks
from trialsim.treatment.library import load_library

#: Places of a row, at most. Findings have the places from 0 on; these are beyond theirs.
_PLACES, _FIRST = 100, 100_000

Owner = tuple[str, int, str, bool]
"""Mechanism, number of the experiment, arm, whether the switch is on."""


def run_mechanisms(
    mechanisms: Sequence[Mechanism],
    margins: Mapping[str, float],
    *,
    seed: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> MechanismsRun:
    """Run mechanisms and judge them.

    The result is what ``--json`` prints. It depends on the seed and on each mechanism itself, not on ``jobs`` nor on
    which others are run. ``on_progress(done, total)`` counts subjects.
    """
    tasks: list[SettingPart] = []
    owners: list[Owner] = []
    for mechanism in mechanisms:
        for at, experiment in enumerate(mechanism.experiments):
            place = _FIRST + int(mechanism.id[1:]) * _PLACES + at
            for (arm, on), setting in settings(experiment).items():
                for task in parts(setting, place, seed):
                    tasks.append(task)
                    owners.append((mechanism.id, at, arm, on))
    done = run_tasks(live, tasks, jobs=jobs, weight=lambda task: task.size, on_progress=on_progress)
    seen: dict[Owner, list[Seen]] = {}
    for owner, part in zip(owners, done, strict=True):
        seen.setdefault(owner, []).append(part)
    joined = {owner: join(found) for owner, found in seen.items()}
    told = [_tell(mechanism, joined, margins) for mechanism in mechanisms]
    passed = sum(row.result == "pass" for row in told)
    return MechanismsRun(__version__, seed, dict(margins), passed, len(told), tuple(told))


def settings(experiment: Experiment) -> dict[tuple[str, bool], Setting]:
    """What is run: each arm, with the switch on and off.

    Raises
    ------
    InvalidInput
        The protocol, its cohort or what is set in them breaks rules.
    """
    path = shipped(f"protocols/{experiment.protocol}.yaml")
    found: dict[tuple[str, bool], Setting] = {}
    for on in (True, False):
        protocol = load_protocol(path, load_library(), (*experiment.set, *(() if on else (experiment.switch,))))
        for arm in experiment.arms:
            if arm not in protocol.arms:
                raise TrialsimError(f"{path.name} has no arm {arm}; it has {', '.join(protocol.arms)}")
            found[arm, on] = Setting(
                protocol,
                arm,
                experiment.subjects,
                days=experiment.days,
                years=experiment.years,
                plated=experiment.plated,
            )
    return found


def _tell(mechanism: Mechanism, seen: Mapping[Owner, Seen], margins: Mapping[str, float]) -> MechanismResult:
    experiments = []
    for at, experiment in enumerate(mechanism.experiments):
        by_arm = {(arm, on): seen[mechanism.id, at, arm, on] for arm in experiment.arms for on in (True, False)}
        experiments.append(
            MechanismExperiment(
                switch=experiment.switch,
                protocol=experiment.protocol,
                subjects=experiment.subjects,
                set=experiment.set,
                plated={} if experiment.plated is None else experiment.plated.model_dump(exclude_defaults=True),
                why=experiment.why,
                outcomes=tuple(_outcome(o, by_arm, margins[o.read.unit]) for o in experiment.outcomes),
            )
        )
    short = tuple(o.name for part in experiments for o in part.outcomes if o.met is False)
    result = "falls short" if short else "pass"
    return MechanismResult(mechanism.id, mechanism.claim, mechanism.note.strip(), tuple(experiments), result, short)


def _outcome(outcome: DemandedOutcome, seen: Mapping[tuple[str, bool], Seen], margin: float) -> MechanismOutcome:
    on, off = (_values(outcome, seen, switch) for switch in (True, False))
    if outcome.where is not None:
        kept = READOUTS[outcome.where.readout].of(seen[outcome.arm, True], **outcome.where.settings) > 0.0
        on, off = on[kept], off[kept]
    found = compare(on, off, shares=outcome.shares)
    return MechanismOutcome(
        name=outcome.name,
        arm=outcome.arm,
        minus=outcome.minus,
        readout=outcome.read.meaning,
        settings=outcome.settings,
        where=None if outcome.where is None else outcome.where.model_dump(),
        unit=outcome.read.unit,
        subjects=int(on.size),
        on=saved(found.on),
        off=saved(found.off),
        difference=saved(found.effect),
        changed=found.changed,
        demand=outcome.demand,
        met=as_demanded(found, outcome.demand, margin) if outcome.demand != SHOWN else None,
        small=outcome.demand in CHANGES and is_small(found, margin),
    )


def _values(outcome: DemandedOutcome, seen: Mapping[tuple[str, bool], Seen], on: bool) -> Floats:
    values = outcome.read.of(seen[outcome.arm, on], **outcome.settings)
    return values - outcome.read.of(seen[outcome.minus, on], **outcome.settings) if outcome.minus else values
