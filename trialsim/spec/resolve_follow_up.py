"""What patients wait for, how they are followed and until when, as written -> resolved."""

from __future__ import annotations

from collections.abc import Iterable

from trialsim.spec.form import Findings
from trialsim.spec.resolve_accrual import calendar_day
from trialsim.spec.resolved import Accrual, FollowUp, ScanPeriod
from trialsim.spec.resolved_conduct import Capacity, Cut, PlaceKind
from trialsim.spec.rules import Rule
from trialsim.spec.source import KeyPath
from trialsim.spec.written_follow_up import WEEK, WrittenCapacity, WrittenCut
from trialsim.spec.written_protocol import ScanPlan, WrittenFollowUp

AT: KeyPath = ("follow_up",)


def resolve_follow_up(
    findings: Findings, written: WrittenFollowUp | None, accrual: Accrual | None, with_cells: Iterable[str]
) -> FollowUp | None:
    """The section ``follow_up``; ``with_cells`` are the arms whose patients have cells, for which scans are needed."""
    if written is None or accrual is None:
        return None
    if written.minimum is None and written.cut is None:
        message = "`follow_up` has no `minimum`"
        findings.add(AT, message, Rule.REQUIRED_KEY, "add `minimum: ...`", at_key=True)
    needed = next(iter(with_cells), None)
    if written.scans is None and needed is not None:
        message = f"`follow_up` has no `scans`, and the patients of `{needed}` have cells"
        findings.add(AT, message, Rule.SCANS_NEEDED, "scans: {every: 3 mo}", at_key=True)
    scans = _scans(findings, written)
    _check_window(findings, written, scans)
    return FollowUp(
        minimum_days=written.minimum or 0.0,
        scans=scans,
        dropout_per_day=written.dropout,
        window_days=written.window,
        missed=written.missed,
        lost_per_day=written.lost,
        cut=None if written.cut is None else _cut(findings, written.cut, accrual),
    )


def _check_window(findings: Findings, written: WrittenFollowUp, scans: tuple[ScanPeriod, ...]) -> None:
    """Scans keep their order wherever they move."""
    shortest = min((period.every_days for period in scans), default=0.0)
    if scans and 2.0 * written.window >= shortest:
        message = f"a window of {written.window:g} d on either side is too wide for scans {shortest:g} d apart"
        findings.add((*AT, "window"), message, Rule.WINDOW, f"less than {shortest / 2.0:g} d")


def resolve_capacity(written: WrittenCapacity | None) -> Capacity | None:
    """The section ``capacity``."""
    if written is None:
        return None
    given: dict[PlaceKind, int | None] = {
        "infusion_chairs": written.infusion_chairs,
        "radiotherapy_slots": written.radiotherapy_slots,
    }
    return Capacity(
        places={kind: number for kind, number in given.items() if number is not None},
        open_days=tuple(sorted(WEEK.index(day) for day in written.open)),
        per_site=written.per_site,
    )


def _cut(findings: Findings, written: WrittenCut, accrual: Accrual) -> Cut:
    path: KeyPath = (*AT, "cut")
    day = None if written.date is None else calendar_day(accrual.opens, written.date)
    last = calendar_day(accrual.opens, written.no_later_than)
    if last <= 0.0:
        findings.add((*path, "no_later_than"), "the trial has not opened by then", Rule.CUT_ORDER, "a later date")
    elif day is not None and day <= 0.0:
        findings.add((*path, "date"), "the trial has not opened by then", Rule.CUT_ORDER, "a later date")
    elif day is not None and day > last:
        message = f"the data are cut {day - last:g} days before that, by `no_later_than`"
        findings.add((*path, "date"), message, Rule.CUT_ORDER, "a later `no_later_than`")
    if written.events is not None and written.events > accrual.patients:
        message = f"{accrual.patients} patients cannot have {written.events} events"
        findings.add((*path, "events"), message, Rule.CUT_ORDER, "fewer events, or more patients")
    return Cut(events=written.events, day=day, when=written.when, no_later_than_days=last)


def _scans(findings: Findings, written: WrittenFollowUp) -> tuple[ScanPeriod, ...]:
    if written.scans is None:
        return ()
    path: KeyPath = (*AT, "scans")
    if isinstance(written.scans, ScanPlan):
        every, then = written.scans.every, written.scans.then
        if then is not None and every.until is None:
            message = "`then` has no beginning"
            findings.add((*path, "then"), message, Rule.SCAN_ORDER, "every: 3 mo until 24 mo")
        periods = [ScanPeriod(every_days=every.days, until_days=every.until)]
        places: list[KeyPath] = [(*path, "every")]
        if then is not None:
            periods.append(ScanPeriod(every_days=then, until_days=None))
    else:
        periods = [ScanPeriod(every_days=step.every, until_days=step.until) for step in written.scans]
        places = [(*path, i) for i in range(len(periods))]
    before = 0.0
    for place, period in zip(places, periods, strict=False):
        last = period is periods[-1]
        if period.until_days is None and not last and isinstance(place[-1], int):
            findings.add(place, "only the last period may go on without `until`", Rule.SCAN_ORDER)
        elif period.until_days is not None and period.until_days < before + period.every_days:
            message = "this period ends before its first scan"
            findings.add(place, message, Rule.SCAN_ORDER, "let `until` rise from period to period")
        before = period.until_days if period.until_days is not None else before
    return tuple(periods)
