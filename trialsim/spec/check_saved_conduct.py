"""Whether the parts of a saved protocol's conduct fit together: randomisation, enrolment, follow-up."""

from __future__ import annotations

from trialsim.spec.form import Findings
from trialsim.spec.misfits import note, note_falls, note_strangers
from trialsim.spec.resolve_randomisation import check_categories
from trialsim.spec.resolved import Accrual, ResolvedCohort, ResolvedProtocol
from trialsim.spec.resolved_conduct import SITE, Screening, Sites
from trialsim.spec.source import KeyPath
from trialsim.spec.values import read_date


def check_saved_conduct(findings: Findings, protocol: ResolvedProtocol) -> None:
    """Note what of a saved protocol's conduct does not fit together."""
    _check_randomisation(findings, protocol)
    _check_accrual(findings, protocol)
    _check_follow_up(findings, protocol)


def _check_randomisation(findings: Findings, protocol: ResolvedProtocol) -> None:
    split, path = protocol.randomisation, ("randomisation",)
    if set(split.ratio) != set(protocol.arms):
        note(findings, (*path, "ratio"), f"the ratio is of {', '.join(split.ratio)}, not of the arms")
    total = sum(split.ratio.values())
    if (split.method == "blocks") != bool(split.block_sizes) or any(size % total for size in split.block_sizes):
        note(
            findings,
            (*path, "block_sizes"),
            f"`{split.method}` with blocks of {list(split.block_sizes)} for 1 in {total}",
        )
    check_categories(findings, (*path, "strata"), list(split.strata), protocol.cohort)
    if (split.method == "minimisation") != (split.minimisation is not None):
        note(findings, path, f"`minimisation` does not go with `{split.method}`")
    elif split.minimisation is not None:
        factors = {*split.strata, *([SITE] if split.by_site else [])}
        if not factors or set(split.minimisation.weights) != factors:
            note(findings, (*path, "minimisation", "weights"), "the weights are not those of the factors")


def _check_accrual(findings: Findings, protocol: ResolvedProtocol) -> None:
    accrual, path = protocol.accrual, ("accrual",)
    _check_date(findings, (*path, "opens"), accrual.opens)
    if accrual.patients < len(protocol.arms):
        note(findings, (*path, "patients"), f"{accrual.patients} patients cannot fill {len(protocol.arms)} arms")
    if accrual.per_day == 0.0:
        note(findings, (*path, "per_day"), "no patient would ever be enrolled")
    if accrual.steps:
        ends = [step.until_days for step in accrual.steps]
        rising = [end for end in ends[:-1] if end is not None]
        last = accrual.steps[-1]
        if (
            len(ends) < 2
            or len(rising) != len(ends) - 1
            or last.until_days is not None
            or last.per_day != accrual.per_day
        ):
            note(findings, (*path, "steps"), "only the last rate goes on, which is `per_day`")
        note_falls(findings, (*path, "steps"), [0.0, *rising])
    if accrual.site_plan is not None:
        _check_sites(findings, (*path, "site_plan"), accrual.site_plan, accrual)
    for i, pause in enumerate(accrual.pauses):
        if (pause.from_day is None) == (pause.after_patients is None):
            note(findings, (*path, "pauses", i), "a pause begins on a day or after a number of patients")
    _check_screening(findings, (*path, "screening"), accrual.screening, protocol.cohort)


def _check_sites(findings: Findings, path: KeyPath, plan: Sites, accrual: Accrual) -> None:
    opens = len(plan.shares) if plan.within_days is None else 0
    if len(plan.shares) != accrual.sites or len(plan.opens_days) != opens:
        note(findings, path, f"the plan is not of {accrual.sites} sites")
    elif abs(sum(plan.shares) - 1.0) > 1e-9:
        note(findings, (*path, "shares"), f"the shares of the sites sum to {sum(plan.shares):g}, not 1")
    if plan.at_most is not None and plan.at_most * accrual.sites < accrual.patients:
        note(findings, (*path, "at_most"), "the sites together do not take all patients")


def _check_screening(findings: Findings, path: KeyPath, screening: Screening, cohort: ResolvedCohort) -> None:
    if screening.failure == 1.0:
        note(findings, (*path, "failure"), "nobody would be randomised")
    for name, caps in screening.caps.items():
        levels = cohort.traits[name].levels if name in cohort.traits else ()
        if not levels:
            note(findings, (*path, "caps", name), f"`{name}` is no category of the cohort")
        note_strangers(findings, (*path, "caps", name), caps if levels else (), levels, f"a level of `{name}`")


def _check_date(findings: Findings, path: KeyPath, words: str) -> None:
    try:
        read_date(words)
    except ValueError:
        note(findings, path, f"`{words}` is not a date")


def _check_follow_up(findings: Findings, protocol: ResolvedProtocol) -> None:
    follow_up, path = protocol.follow_up, ("follow_up",)
    ends = [period.until_days for period in follow_up.scans]
    rising = [end for end in ends if end is not None]
    if any(end is None for end in ends[:-1]):
        note(findings, (*path, "scans"), "only the last interval goes on")
    note_falls(findings, (*path, "scans"), [0.0, *rising])
    if not follow_up.scans and protocol.has_cells:
        note(findings, (*path, "scans"), "nothing else than a scan finds a relapse of cells")
    if any(2.0 * follow_up.window_days >= period.every_days for period in follow_up.scans):
        note(findings, (*path, "window_days"), "scans could change places within their windows")
    cut = follow_up.cut
    if cut is None:
        if follow_up.minimum_days == 0.0:
            note(findings, (*path, "minimum_days"), "nothing says when the data are cut")
        return
    if cut.events is None and cut.day is None:
        note(findings, (*path, "cut"), "the cut has neither events nor a day")
    if cut.events is not None and cut.events > protocol.accrual.patients:
        message = f"{protocol.accrual.patients} patients cannot have {cut.events} events"
        note(findings, (*path, "cut", "events"), message)
    if cut.no_later_than_days <= 0.0 or (cut.day is not None and not 0.0 < cut.day <= cut.no_later_than_days):
        note(findings, (*path, "cut"), "the data are not cut between the opening and the last day allowed")
