"""What an arm does to the patients who are simulated under it, and what it does more than another to the same patients.

Differences are taken within patients, so that what a patient would have met anyway drops out of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trialsim import __version__
from trialsim.reported.studies import ArmOutcome, ArmOutcomes, Contrast, SavedEstimate, StudyRun, TwinsRun
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.studies.estimates import Estimate, saved, share
from trialsim.studies.paired import compare, mean
from trialsim.studies.twins import Twins
from trialsim.units import DAYS_PER_MONTH

Floats = NDArray[np.float64]

#: Platelets below which thrombocytopenia is of CTCAE grade 3 or 4, 1e9/L.
GRADE_3 = 50.0


def relapse_free_days(twins: Twins, until: float) -> Floats:
    """Days without relapse up to ``until``, of each patient: its mean is the restricted mean time to relapse."""
    return np.asarray(np.minimum(twins.relapse, until), np.float64)


def relapsed(twins: Twins, until: float) -> NDArray[np.bool_]:
    """Who relapsed up to ``until``, that day included."""
    return twins.relapse <= until


def outcome(label: str, twins: Twins, until: float) -> ArmOutcome:
    """What became of patients under an arm: relapses up to ``until``, their causes, days without, low platelets."""
    causes = [cause for cause, yes in zip(twins.causes, relapsed(twins, until), strict=True) if yes]
    return ArmOutcome(
        label=label,
        relapsed_percent=_percent(relapsed(twins, until)),
        relapse_free_days=saved(mean(relapse_free_days(twins, until))),
        grade34_thrombocytopenia_percent=_percent(twins.nadir < GRADE_3),
        causes={cause: causes.count(cause) for cause in sorted(set(causes), key=lambda c: (-causes.count(c), c))},
    )


def contrast(arm: Twins, reference: Twins, until: float) -> Contrast:
    """What an arm does more than another to the same patients.

    ``days_gained`` are days without relapse up to ``until`` (Student's interval), ``relapses_averted`` those up to
    ``until``, per 100 patients (Agresti and Min's interval).
    """
    with_arm, without = relapsed(arm, until), relapsed(reference, until)
    gained = compare(relapse_free_days(arm, until), relapse_free_days(reference, until))
    averted = compare(_hundreds(without), _hundreds(with_arm), shares=True)
    return Contrast(
        days_gained=saved(gained.effect),
        relapses_averted=saved(averted.effect),
        saved=int(np.sum(without & ~with_arm)),
        harmed=int(np.sum(with_arm & ~without)),
        relapse_in_both=int(np.sum(with_arm & without)),
        relapse_in_neither=int(np.sum(~with_arm & ~without)),
        same_course=int(np.sum(arm.relapse == reference.relapse)),
    )


def gap(first: tuple[Twins, Twins], second: tuple[Twins, Twins], until: float) -> SavedEstimate:
    """Days that the first arm of ``first`` gains over the second one, less those that of ``second`` gains; of the
    same patients."""
    gains = [relapse_free_days(arm, until) - relapse_free_days(against, until) for arm, against in (first, second)]
    return saved(mean(np.asarray(gains[0] - gains[1], np.float64)))


def outcomes(protocol: ResolvedProtocol, twins: Mapping[str, Twins]) -> ArmOutcomes:
    """All arms of a protocol, and every other arm against the reference, at the end of follow-up."""
    until, reference = protocol.follow_up.minimum_days, protocol.analysis.reference
    others = [name for name in protocol.arms if name != reference]
    return ArmOutcomes(
        months=until / DAYS_PER_MONTH,
        reference=reference,
        arms={name: outcome(arm.label, twins[name], until) for name, arm in protocol.arms.items()},
        contrasts={name: contrast(twins[name], twins[reference], until) for name in others},
    )


def study(protocol: ResolvedProtocol, patients: int, seed: int, unused: Mapping[str, str]) -> StudyRun:
    """The head of a study's results: what was run."""
    return StudyRun(__version__, protocol.name, seed, patients, dict(unused))


def twins_run(
    protocol: ResolvedProtocol, twins: Mapping[str, Twins], patients: int, seed: int, unused: Mapping[str, str]
) -> TwinsRun:
    """What was run, and the outcomes."""
    return TwinsRun(**vars(study(protocol, patients, seed, unused)), **vars(outcomes(protocol, twins)))


def _hundreds(happened: NDArray[np.bool_]) -> Floats:
    return np.where(happened, 100.0, 0.0)


def _percent(happened: NDArray[np.bool_]) -> SavedEstimate:
    return saved(Estimate(*(100.0 * x for x in share(int(happened.sum()), happened.size))))
