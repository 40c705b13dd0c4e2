"""The arrays that make up a patient while the compiled course runs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Places in a lesion's vector: remaining hazard until it wakes, study day on which it crossed the detection limit,
#: study day of its first escaper (nan: not yet), infiltrate of immune cells, and 1 while it is known to hold no cells
#: but dormant ones, among which nothing happens.
WAKE_LEFT, CROSSED, FIRST_ESCAPE, INFILTRATE, QUIET = 0, 1, 2, 3, 4
N_LESION = 5

#: Places in the clock: study day now, rows of the trace in use, lesions in use (the rest are room for new foci); study
#: day of the last fraction, and unrepaired dose (Gy) in the local bed and elsewhere at that moment; the study day to
#: which cells have been taken, at most now, the one up to which they may wait (infinite without any cells), and 1 where
#: there were senescent ones among them.
NOW, TRACED, IN_USE, LAST_FRACTION, UNREPAIRED_LOCAL, UNREPAIRED, CELLS_AT, DUE, SENESCENT_SEEN = range(9)
N_CLOCK = 9

#: Places in the host's vector: senescent burden now, production per day that holds it at rest
#: (`trialsim.biology.host`), and its integral over the days that cells wait for.
BURDEN, PRODUCTION, BURDEN_DAYS = 0, 1, 2
N_HOST = 3

#: Places in the settings: detection limit (cells), tolerance, longest step (days), platelet baseline.
LIMIT, TOLERANCE, LONGEST, BASELINE = 0, 1, 2, 3
N_SETTINGS = 4

#: Columns of the trace: day, cycling, dormant, senescent, escaped, platelets.
N_TRACE = 6

#: The lesion that is the local bed; the others are disseminated foci.
LOCAL = 0


class State(NamedTuple):
    """One patient under one arm. Every array is changed in place; none is shared between patients."""

    cells: Integers
    """Counts, lesion x population."""
    lesions: Floats
    """Lesion x N_LESION."""
    clock: Floats
    platelets: Floats
    amounts: Floats
    """Drug x (gut, plasma, tissue, rate of infusion), mg and mg per day (`trialsim.treatment.pharmacokinetics`)."""
    rates: Floats
    """The lesion rates without any drug."""
    drugs: Floats
    """Drug x constants (`trialsim.treatment.pharmacology`)."""
    effects: Floats
    """Effect x (drug, rate, whether it adds, value): what drugs do to the lesion's rates (below)."""
    host: Floats
    exposure: Floats
    """By drug: the integral of its effect (0 to 1) over the days that cells wait for."""
    orders: Floats
    """Order x constants (below)."""
    inputs: Floats
    """Order x (TO_COME, BEGINS, ENDS): what is still to come in of its last dose; no rows where no drug waits or is
    infused (`trialsim.patient.intake`)."""
    marrow: Floats
    """Neutrophils (`trialsim.treatment.neutrophils`); empty where nobody counts them."""
    toxins: Floats
    """Drug that harms the marrow x constants, of kinetics of its own beside ``drugs``."""
    toxin_amounts: Floats
    toxin_inputs: Floats
    """As ``inputs``; no rows where nobody counts neutrophils."""
    settings: Floats
    trace: Floats
    """Rows of what the kernel passed through; no rows when nobody looks."""


#: Places in an effect's vector. At a drug's effect E between 0 and 1 an effect that adds puts value x E on its rate (a
#: hazard, per day); one that does not multiplies it by 1 + (value - 1) E.
ON_DRUG, ON_RATE, ADDS, VALUE = range(4)
N_EFFECT = 4

#: Places in an order's vector. ``DRUG`` is the drug's row for an oral agent and -1 for damage at a dose; ``TOXIN`` the
#: row of what harms the marrow, or -1.
DRUG, AMOUNT, HITS, HITS_ESCAPED, ODDS, SHIFT, RELATIVE, SENESCENCE_GAIN, INDUCER, LOCAL_ONLY, HOST_DAMAGE = range(11)
TOXIN = 11
#: Of a fraction of radiation: dose (Gy), lethal hits per Gy of it and per unrepaired Gy of earlier ones, rate of repair
#: (per day; 0: nothing is left of earlier ones).
GRAY, CROSS, REPAIR = 12, 13, 14
N_ORDER = 15

#: Places in a dose that waits or is being infused: mg, and the study days on which it begins and ends to come in.
TO_COME, BEGINS, ENDS = range(3)
N_INPUT = 3
