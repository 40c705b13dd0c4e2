"""What a patient is while compiled code runs: named records, changed in place; none is shared between patients."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from trialsim.biology.kernel import Room
from trialsim.biology.populations import N_POPULATIONS, SENESCENT
from trialsim.biology.rates import Rates
from trialsim.biology.sasp import Survey
from trialsim.chance.stream import Stream
from trialsim.compiling import allocating, compiled
from trialsim.patient.plan import Line, Mover
from trialsim.structured import Bytes, Counts, Rows, dtype_of, record
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
    measured: float
    """At a scan: measured size over cells."""


@record
class Host:
    """Senescent cells of the host's stroma (`trialsim.biology.host`)."""

    burden: float
    production: float
    """Per day, which holds the burden at rest."""
    burden_days: float
    """Integral of the burden over the days that cells wait for."""


@record
class Streams:
    """What a patient's chance is for."""

    cells: Stream
    scans: Stream
    laboratory: Stream
    neutrophils: Stream


@record
class Counted:
    """What the laboratory said last, 1e9/L (nan: nothing yet)."""

    platelets: float
    platelets_on: float
    """Study day."""
    neutrophils: float
    neutrophils_on: float


@record
class Outcome:
    """What became of a patient. Days are study days; nan: it never happened."""

    relapse: float
    """Seen on this day,"""
    lesion: int
    """in this lesion (-1: none), which"""
    latent: float
    """had crossed the detection limit on this day (nan: an error of measurement showed it before)."""
    cells: float
    """Its size at the scan."""
    lineage: int
    """The lineage that made up most of it when it crossed."""
    lineages: Annotated[Counts, SENESCENT]
    """Its proliferating cells then, by population."""
    last_scan: float
    """The last without relapse (0: only the baseline)."""
    platelet_nadir: float
    """Lowest count of the laboratory."""
    neutrophil_nadir: float
    true_platelet_nadir: float
    true_neutrophil_nadir: float
    first_dose: float
    last_dose: float
    toxic_death: float


@record
class Body:
    """What a patient has one of."""

    now: float
    """Study day to which drugs, blood and host have been taken. The cells have been taken to"""
    cells_at: float
    """this one, at most now; they may wait up to"""
    due: float
    """this one (infinite without any cells)."""
    incoming: bool
    """Whether a dose waits for its lag, or is being infused."""
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
    streams: Streams
    scan_error: float
    """Standard deviation of the logarithm of a lesion's measured size."""
    visited: float
    """Study day of the last visit."""
    is_lethal: bool
    """Whether toxicity may kill."""
    is_copy: bool
    """Whether nothing of it is to be logged or traced."""
    looks_ahead_to: float
    """In a copy that looks ahead: the study day at which it stops, once the cells have been stepped past it."""
    traced: int
    """Rows of the trace in use."""
    logged: int
    """Entries of the log in use."""
    to_come: int
    """Doses of all orders that are still to come."""
    is_stopped: bool
    """Whether treatment was stopped early."""
    counts: Counted
    outcome: Outcome


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
class CountLimits:
    """Limits on counts, 1e9/L, and what follows (`trialsim.treatment.dose_rules`); without one, no count is low."""

    hold_below: float
    resume_above: float
    neutrophils_hold_below: float
    neutrophils_resume_above: float
    kept: float
    """Share of the current dose that is given after a hold."""
    stop_after: float
    """Holds."""
    delay: float
    """Days; 0: a dose is held."""
    longest_delay: float


@record
class OrderState:
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
    rule: CountLimits
    leader: int
    """The first order that is delayed with this one; what this one's rule does is kept in it."""
    mover: int
    """What moves when its leader is delayed (`trialsim.patient.plan`)."""
    guide: int
    """The panel that decides on it, or -1."""
    remaining: int
    """Doses that are still to come."""
    fraction: float
    """The current dose as a fraction of the planned one."""
    on_hold: bool
    holds: int
    waited: float
    """Days by which the dose that is due was delayed by the rule."""
    delays: int
    stopped: bool
    """Nothing of it is given any more:"""
    given_up: bool
    """its rule ended it, or"""
    withheld: bool
    """its panel was negative, or treatment was stopped."""
    given: float
    """Sum of the fractions of planned doses that were given."""
    administrations: int
    held: int
    missed: int


@record
class Assay:
    """A biomarker of a panel (`trialsim.patient.markers`)."""

    guide: int
    is_share: bool
    """Measures the share of senescent cells, not their number."""
    is_score: bool
    is_exact: bool
    """Tells the truth."""
    threshold: float
    sensitivity: float
    specificity: float
    noise: float
    log_cutoff: float
    background: float
    error: float
    """Of this measurement: standard normal for a score, uniform for a test."""
    value: float
    """As measured (nan for a test)."""
    positive: bool
    truth: bool


@record
class PanelOfGuide:
    """What is measured once to decide on orders."""

    at_least: int
    """So many biomarkers make it positive."""
    measured: bool
    positive: bool
    truth: bool


@record
class Entry:
    """Something that happened at a visit."""

    kind: int
    """`trialsim.patient.visits.Happened`."""
    index: int
    """Of the order or guide."""
    value: float


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
    orders: Rows[OrderState]
    movers: Rows[Mover]
    panels: Rows[PanelOfGuide]
    assays: Rows[Assay]
    effects: Rows[Effect]
    """These and what follows are alike for a patient and their copies."""
    lines: Rows[Line]
    """What is planned."""
    log: Rows[Entry]
    """What happened at the last visit."""
    trace: Rows[TraceRow]
    """No rows when nobody draws."""
    room: Rows[Room]
    """One row: room to work in."""


class Copies(NamedTuple):
    """A patient and room for two copies, in one piece of memory (`view`).

    numba looks at every array that Python hands it, and at an array of records for ten times as long as at one of
    bytes: in one piece a patient costs a call what they weigh.
    """

    memory: Bytes
    layout: Counts
    """By field of `Patient`, but for the lines: where it begins, and the bytes of one copy; in one row."""
    lines: Bytes
    """`Patient.lines`."""


#: The patient; a copy that runs ahead to see what comes; a copy that is looked at.
PATIENT, AHEAD, LOOKED_AT = 0, 1, 2
COPIES = 3
#: What the fields of a patient hold, in the order of the layout; of the first so many there are copies.
_KINDS = (Body, Lesion, Drug, Drug, OrderState, Mover, PanelOfGuide, Assay, Effect, Entry, TraceRow, Room)
_COPIED = 8
_SIZES = np.array([dtype_of(kind).itemsize for kind in _KINDS])
_BODY, _LESION, _DRUG, _TOXIN, _ORDER, _MOVER, _PANEL, _ASSAY, _EFFECT, _ENTRY, _TRACE, _ROOM = map(dtype_of, _KINDS)
_LINE = dtype_of(Line)


@allocating
def make_copies(
    lesions: int,
    drugs: int,
    toxins: int,
    orders: int,
    movers: int,
    panels: int,
    assays: int,
    effects: int,
    log: int,
    trace: int,
    lines: Bytes,
) -> Copies:
    """Room for a patient and two copies, all zeros, with so many of each."""
    counts = (1, lesions, drugs, toxins, orders, movers, panels, assays, effects, log, trace, 1)
    layout = np.zeros(2 * _SIZES.size, np.int64)
    end = 0
    for field in range(_SIZES.size):
        layout[2 * field], layout[2 * field + 1] = end, counts[field] * _SIZES[field]
        end += layout[2 * field + 1] * (COPIES if field < _COPIED else 1)
    return Copies(np.zeros(end, np.uint8), layout, lines)


def view_in_python(copies: Copies, which: int) -> Patient:
    """One of the three."""
    memory, at = copies.memory, copies.layout
    return Patient(
        memory[at[0] + which * at[1] : at[0] + (which + 1) * at[1]].view(_BODY),
        memory[at[2] + which * at[3] : at[2] + (which + 1) * at[3]].view(_LESION),
        memory[at[4] + which * at[5] : at[4] + (which + 1) * at[5]].view(_DRUG),
        memory[at[6] + which * at[7] : at[6] + (which + 1) * at[7]].view(_TOXIN),
        memory[at[8] + which * at[9] : at[8] + (which + 1) * at[9]].view(_ORDER),
        memory[at[10] + which * at[11] : at[10] + (which + 1) * at[11]].view(_MOVER),
        memory[at[12] + which * at[13] : at[12] + (which + 1) * at[13]].view(_PANEL),
        memory[at[14] + which * at[15] : at[14] + (which + 1) * at[15]].view(_ASSAY),
        memory[at[16] : at[16] + at[17]].view(_EFFECT),
        copies.lines.view(_LINE),
        memory[at[18] : at[18] + at[19]].view(_ENTRY),
        memory[at[20] : at[20] + at[21]].view(_TRACE),
        memory[at[22] : at[22] + at[23]].view(_ROOM),
    )


#: The same for compiled code, which owns no arrays and must give none to Python.
view = compiled(view_in_python)
#: And for compiled code that makes arrays, which counts who holds them.
counted_view = allocating(view_in_python)


@compiled
def copy_body(source: Patient, target: Patient) -> None:
    """What is not cells: enough for blood."""
    target.body[0] = source.body[0]
    target.body[0].is_copy = True
    for d in range(source.drugs.size):
        target.drugs[d] = source.drugs[d]
    for t in range(source.toxins.size):
        target.toxins[t] = source.toxins[t]
    for o in range(source.orders.size):
        target.orders[o] = source.orders[o]


@compiled
def copy_patient(source: Patient, target: Patient) -> None:
    """Everything that changes: with the streams, so that the copy meets the same chance."""
    copy_body(source, target)
    for at in range(source.lesions.size):
        target.lesions[at] = source.lesions[at]
    for m in range(source.movers.size):
        target.movers[m] = source.movers[m]
    for p in range(source.panels.size):
        target.panels[p] = source.panels[p]
    for a in range(source.assays.size):
        target.assays[a] = source.assays[a]
