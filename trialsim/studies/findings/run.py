"""Run findings: subjects of every group over processes, then readouts, then the verdict."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from trialsim import __version__
from trialsim.errors import TrialsimError
from trialsim.reported.studies import FindingGroup, FindingResult, FindingsRun, LookDays, MeasureResult, NumberUsed
from trialsim.rng import TRIAL, Purpose, stream
from trialsim.spec.load import load_protocol
from trialsim.spec.shipped import shipped
from trialsim.studies.estimates import saved
from trialsim.studies.experiment import Chunk, Followed, SubjectGroup, Watched, chunks, join, run_chunk
from trialsim.studies.findings.judge import interval, meets, reason, window
from trialsim.studies.findings.readouts import READOUTS, meaning
from trialsim.studies.findings.registry import Finding, GroupOfFinding, Measure
from trialsim.studies.pool import run_tasks
from trialsim.treatment.library import load_library
from trialsim.units import DAYS_PER_YEAR

#: Groups of one finding, at most.
_PLACES = 100


def run_findings(
    findings: Sequence[Finding],
    *,
    seed: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> FindingsRun:
    """Run findings and judge them.

    The result is what findings.json holds. It depends on the seed and on each finding itself, not on ``jobs`` nor on
    which other findings are run. ``on_progress(done, total)`` counts subjects.
    """
    tasks: list[Chunk] = []
    owners: list[tuple[str, str]] = []
    for finding in findings:
        for at, (name, written) in enumerate(finding.groups.items()):
            place = first_place(finding) + (0 if finding.twins else at)
            for task in chunks(load_group(written), place, seed):
                tasks.append(task)
                owners.append((finding.id, name))
    parts = run_tasks(run_chunk, tasks, jobs=jobs, weight=lambda task: task.size, on_progress=on_progress)
    seen: dict[tuple[str, str], list[Watched | Followed]] = {}
    for owner, part in zip(owners, parts, strict=True):
        seen.setdefault(owner, []).append(part)
    told = []
    for finding in findings:
        groups = {name: join(seen[finding.id, name]) for name in finding.groups}
        told.append(_tell(finding, groups, seed))
    return FindingsRun(__version__, seed, sum(row.result == "pass" for row in told), len(told), tuple(told))


def first_place(finding: Finding) -> int:
    """Number of the finding's first group among all; from its name, so that no other finding moves it."""
    return int(finding.id[1:]) * _PLACES


def load_group(written: GroupOfFinding) -> SubjectGroup:
    """A group as it is run.

    Raises
    ------
    InvalidInput
        The protocol, its cohort or what is set in them breaks rules.
    """
    path = shipped(f"protocols/findings/{written.protocol}.yaml")
    protocol = load_protocol(path, load_library(), written.set)
    if written.arm not in protocol.arms:
        raise TrialsimError(f"{path.name} has no arm {written.arm}; it has {', '.join(protocol.arms)}")
    if written.follow_years is not None:
        days: tuple[float, ...] = (written.follow_years * DAYS_PER_YEAR,)
        return SubjectGroup(protocol, written.arm, written.subjects, days, followed=True, plated=written.plated)
    assert written.look is not None
    return SubjectGroup(protocol, written.arm, written.subjects, written.look.days, plated=written.plated)


def _tell(finding: Finding, groups: dict[str, Watched | Followed], seed: int) -> FindingResult:
    rows = tuple(_measure(finding, measure, groups, seed) for measure in finding.measures)
    short = [row.reason for row in rows if row.met is False]
    return FindingResult(
        id=finding.id,
        title=finding.title,
        experiment=finding.experiment,
        source=finding.source,
        evidence=finding.evidence,
        published=finding.published,
        acceptance=finding.acceptance,
        rule=finding.rule,
        assumed=finding.assumed,
        note=finding.note,
        twins=finding.twins,
        null=finding.null,
        kind=finding.kind,
        set_here=tuple(NumberUsed(**item.model_dump()) for item in finding.set_here),
        rests_on=tuple(NumberUsed(**item.model_dump()) for item in finding.rests_on),
        groups={name: _group(written) for name, written in finding.groups.items()},
        measures=rows,
        result="falls short" if short else "pass",
        reason="; ".join(short),
        why=finding.why_short if short else "",
    )


def _group(written: GroupOfFinding) -> FindingGroup:
    return FindingGroup(
        protocol=written.protocol,
        arm=written.arm,
        subjects=written.subjects,
        set=written.set,
        look=None if written.look is None else LookDays(written.look.every, written.look.until),
        follow_years=written.follow_years,
        plated=None if written.plated is None else written.plated.model_dump(exclude_defaults=True),
    )


def _measure(finding: Finding, measure: Measure, groups: dict[str, Watched | Followed], seed: int) -> MeasureResult:
    # Keyed by the measure's own name, so that a new measure redraws no other's bootstrap.
    key = first_place(finding) * 2**16 + (zlib.crc32(measure.name.encode()) & 0xFFFF)
    rng = stream(seed, Purpose.SAMPLING, subject=TRIAL, replicate=key)
    found = READOUTS[measure.readout]([groups[name] for name in measure.of], rng=rng, **measure.settings)
    rule = measure.rule
    met = None if rule is None else meets(*rule, found)
    return MeasureResult(
        name=measure.name,
        label=f"{measure.name}, {measure.unit}" if measure.unit else measure.name,
        readout=meaning(measure.readout),
        groups=measure.of,
        settings=measure.settings,
        unit=measure.unit,
        published=measure.published,
        simulated=saved(found),
        told=interval(found),
        window="" if measure.rule is None else window(*measure.rule),
        met=met,
        reason=""
        if met is not False or measure.rule is None
        else reason(measure.name, measure.unit, *measure.rule, found),
        rule=None if measure.rule is None else (measure.rule[0], *measure.rule[1]),
    )
