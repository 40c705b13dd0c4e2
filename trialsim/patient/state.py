"""What a patient is while compiled code runs: named records, changed in place; none is shared between patients."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from trialsim.biology.kernel import Room
from trialsim.biology.populations import N_POPULATIONS, SENESCENT
from trialsim.biology.rates import Rates
from trialsim.biology.sasp import Survey
from trialsim.chance.stream import Stream
from trialsim.compiling import compiled
from trialsim.patient.plan import Line, Mover
from trialsim.structured import Counts, Grid, Rows, record
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
class Rule:
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
    rule: Rule
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
    orders: Rows[Order]
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
    """A patient and room for two copies: what changes is an array with a row for each (`view`)."""

    body: Grid[Body]
    lesions: Grid[Lesion]
    drugs: Grid[Drug]
    toxins: Grid[Drug]
    orders: Grid[Order]
    movers: Grid[Mover]
    panels: Grid[PanelOfGuide]
    assays: Grid[Assay]
    effects: Rows[Effect]
    lines: Rows[Line]
    log: Rows[Entry]
    trace: Rows[TraceRow]
    room: Rows[Room]


#: The patient; a copy that runs ahead to see what comes; a copy that is looked at.
PATIENT, AHEAD, LOOKED_AT = 0, 1, 2
COPIES = 3


def view_in_python(copies: Copies, which: int) -> Patient:
    """One of the three."""
    return Patient(
        copies.body[which],
        copies.lesions[which],
        copies.drugs[which],
        copies.toxins[which],
        copies.orders[which],
        copies.movers[which],
        copies.panels[which],
        copies.assays[which],
        copies.effects,
        copies.lines,
        copies.log,
        copies.trace,
        copies.room,
    )


#: The same for compiled code, which owns no arrays and must give none to Python.
view = compiled(view_in_python)


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
