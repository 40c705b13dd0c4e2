"""A subject of an experiment: given every dose as planned, and looked at on given days."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from trialsim.compiling import compiled
from trialsim.patient.advance import advance
from trialsim.patient.cells import step_cells
from trialsim.patient.intake import apply_damage, take_drug
from trialsim.patient.prepare import prepare
from trialsim.patient.state import LOOKED_AT, PATIENT, Copies, Patient, copy_patient, view, view_in_python
from trialsim.records import Traits
from trialsim.spec.resolved import ResolvedArm, ResolvedProtocol


@compiled
def give(copies: Copies, at: int, day: float, fraction: float) -> None:
    """A dose of an order, on a study day, at a fraction of the planned dose."""
    own = view(copies, PATIENT)
    order = own.orders[at]
    advance(own, day, False)
    if order.drug >= 0:
        take_drug(own, order, fraction)
    else:
        apply_damage(own, order, fraction)


@compiled
def look(copies: Copies, day: float) -> None:
    """Make the copy that is looked at what the patient is on a study day."""
    own, look = view(copies, PATIENT), view(copies, LOOKED_AT)
    copy_patient(own, look)
    advance(look, day, False)
    step_cells(look, False)


class WatchedPatient:
    """A patient without visits; the parameters are those of `trialsim.patient.prepare.prepare`."""

    def __init__(
        self,
        traits: Traits,
        arm: ResolvedArm,
        protocol: ResolvedProtocol,
        *,
        patient: int,
        seed: int,
        replicate: int = 0,
    ) -> None:
        self._copies = prepare(traits, arm, protocol, patient=patient, seed=seed, replicate=replicate)

    @property
    def lesions(self) -> NDArray[np.void]:
        """The lesions now (`trialsim.patient.state.Lesion`), which may be changed."""
        return cast("NDArray[np.void]", view_in_python(self._copies, PATIENT).lesions)

    def give(self, order: int, day: float) -> None:
        """A whole dose of ``arm.orders[order]`` on a study day."""
        give(self._copies, order, day, 1.0)

    def look(self, day: float) -> Patient:
        """A copy of the patient on a study day that is not past; the patient does not notice."""
        look(self._copies, day)
        return view_in_python(self._copies, LOOKED_AT)
