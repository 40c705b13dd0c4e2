"""What a patient is while compiled code runs: named records, changed in place; none is shared between patients."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from trialsim.biology.kernel import Room
from trialsim.biology.populations import N_POPULATIONS, SENESCENT
from trialsim.biology.rates import Rates
from trialsim.biology.sasp import Survey
from trialsim.structured import Counts, Rows, record
from trialsim.treatment.neutrophils import Marrow
from trialsim.treatment.pharmacology import Drug
from trialsim.treatment.platelets import Platelets

#: The lesion that is the local bed; the others are disseminated foci.
LOCAL = 0


@record
class Lesion:
    """One lesion."""

    cells: Annotated[Counts, N_POPULATIONS]
    """Cells by population, at the end of the last step."""
    wake_left: float
    """Remaining hazard until a dormant lesion wakes."""
    infiltrate: float
    """Of immune cells."""
    first_escape: float
    """Study day of the first escaper (nan: not yet)."""
    crossed: float
    """Study day on which the lesion crossed the detection limit (nan: not yet), and"""
    lineages: Annotated[Counts, SENESCENT]
    """its proliferating cells by population at the end of that step."""
    quiet: bool
    """Known to hold no cells but dormant ones, among which nothing happens."""
    survey: Survey
    """Cells counted at the start of a step."""


@record
class Host:
    """Senescent cells of the host's stroma (`trialsim.biology.host`)."""

    burden: float
    production: float
    """Per day, which holds the burden at rest."""
    burden_days: float
    """Integral of the burden over the days that cells wait for."""


@record
class Body:
    """What a patient has one of."""

    now: float
    """Study day to which drugs, blood and host have been taken. The cells have been taken to"""
    cells_at: float
    """this one, at most now; they may wait up to"""
    due: float
    """this one (infinite without any cells)."""
    lesions: int
    """Lesions in use; the rest are room for new foci."""
    senescent: bool
    """Whether there were senescent cells at the last step."""
    last_fraction: float
    """Study day of the last fraction of radiation, and the dose (Gy) not yet repaired at that moment"""
    unrepaired_local: float
    """in the local bed, and"""
    unrepaired: float
    """elsewhere."""
    limit: float
    """Detection limit, cells."""
    tolerance: float
    """Of a step."""
    longest_step: float
    """Days."""
    counts_neutrophils: bool
    rates: Rates
    """The lesion rates without any drug."""
    host: Host
    platelets: Platelets
    marrow: Marrow
    """At rest where nobody counts neutrophils."""
    traced: int
    """Rows of the trace in use."""


@record
class Effect:
    """What a drug does to one of the lesion's rates.

    At the drug's effect E between 0 and 1 a hazard adds value x E; a fold multiplies by 1 + (value - 1) E.
    """

    drug: int
    target: int
    """`trialsim.biology.rates.Target`, and"""
    inducer: int
    """where the target has one for each inducer, which."""
    is_hazard: bool
    value: float


@record
class Intake:
    """A dose that waits for its lag, or is being infused: mg, and the study days on which it begins and ends."""

    to_come: float
    begins: float
    ends: float


@record
class Order:
    """An order of the arm in a patient."""

    drug: int
    """The drug's row for an agent that acts while it is in plasma, and -1 for damage at a dose."""
    toxin: int
    """The row of what harms the marrow, or -1."""
    amount: float
    """mg of the planned dose."""
    hits: float
    """Mean lethal hits per cycling cell of the planned dose, and"""
    hits_escaped: float
    """per escaped cell."""
    odds: float
    """Of senescence in a lost cell at the reference dose (`trialsim.treatment.fate`)."""
    shift: float
    relative: float
    """Planned dose over the reference dose."""
    senescence_gain: float
    inducer: int
    local_only: bool
    host_damage: float
    """Burden that the planned dose adds to the host's."""
    gray: float
    """Of a fraction of radiation: dose, lethal hits per Gy of it and per unrepaired Gy of earlier ones, and"""
    cross: float
    repair: float
    """rate of repair (per day; 0: nothing is left of earlier ones)."""
    intake: Intake
    toxin_intake: Intake


@record
class TraceRow:
    """What the kernel passed through."""

    day: float
    cycling: float
    dormant: float
    senescent: float
    escaped: float
    platelets: float


class Patient(NamedTuple):
    """One patient under one arm."""

    body: Rows[Body]
    """One row."""
    lesions: Rows[Lesion]
    drugs: Rows[Drug]
    toxins: Rows[Drug]
    """Drugs that harm the marrow, with kinetics of their own; none where nobody counts neutrophils."""
    effects: Rows[Effect]
    orders: Rows[Order]
    trace: Rows[TraceRow]
    """No rows when nobody draws."""
    room: Rows[Room]
    """One row: room to work in."""
