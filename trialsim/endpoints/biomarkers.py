"""What was measured to decide on orders, against the truth that only the simulator knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trialsim.records import EventKind, PanelResult, PatientRecord, TrialRecord
from trialsim.reported.trial import CrossedCounts, GuidedTreatment
from trialsim.spec.biomarkers import Guide
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol


def protocol_guides(protocol: ResolvedProtocol) -> tuple[Guide, ...]:
    """Everything that is measured in a trial, each once, in the arms' order; the numbers of ADSL's columns."""
    return tuple(dict.fromkeys(guide for arm in protocol.arms.values() for guide in arm.guides))


def result_of(record: PatientRecord, arm: ResolvedArm, guide: Guide) -> PanelResult | None:
    """What a patient's panel said, or None if it was not measured."""
    if guide not in arm.guides:
        return None
    return next((r for r in record.panels if r.panel == guide.panel and abs(r.day - guide.day) < 1e-5), None)


def guided_orders(trial: TrialRecord, protocol: ResolvedProtocol) -> tuple[GuidedTreatment, ...]:
    """One entry for each arm and guide: who was measured, what it said, who was given what."""
    dosed = {(e.patient, e.detail) for e in trial.events if e.kind is EventKind.DOSE}
    return tuple(
        _entry(protocol, arm, guide, [record for record in trial.patients if record.arm == name], dosed)
        for name, arm in protocol.arms.items()
        for guide in arm.guides
    )


def _entry(
    protocol: ResolvedProtocol,
    arm: ResolvedArm,
    guide: Guide,
    records: Sequence[PatientRecord],
    dosed: set[tuple[int, str]],
) -> GuidedTreatment:
    orders = [order for order in arm.orders if order.give_if == guide]
    panel = protocol.panels[guide.panel]
    found = [(r.patient, result) for r in records if (result := result_of(r, arm, guide)) is not None]
    given = {p for p, _ in found if any((p, order.id) in dosed for order in orders)}
    readings = {
        name: [next(r for r in result.readings if r.marker == name) for _, result in found] for name in panel.markers
    }
    return GuidedTreatment(
        arm=arm.name,
        label=arm.label,
        name=panel.name,
        at_least=panel.at_least,
        day=guide.day,
        orders=tuple(order.id for order in orders),
        randomised=len(records),
        measured=len(found),
        needed=sum(result.truth for _, result in found),
        given=len(given),
        in_vain=sum(not result.truth for patient, result in found if patient in given),
        missed=sum(result.truth and not result.positive for _, result in found),
        panel=_counts((result.positive, result.truth) for _, result in found),
        markers={name: _counts((r.positive, r.truth) for r in seen) for name, seen in readings.items()},
    )


def _counts(said_and_true: Iterable[tuple[bool, bool]]) -> CrossedCounts:
    pairs = list(said_and_true)
    return CrossedCounts(*(pairs.count(kind) for kind in ((True, True), (True, False), (False, True), (False, False))))
