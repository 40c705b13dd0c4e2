"""Compile the course before it is timed or watched."""

from __future__ import annotations

import numpy as np

from trialsim.biology.populations import N_POPULATIONS
from trialsim.biology.rates import quiet_rates
from trialsim.patient import entry, markers
from trialsim.patient import state as s
from trialsim.patient.compiled import main_lineage
from trialsim.patient.handles import space_handle, state_handle
from trialsim.patient.streams import open_streams
from trialsim.rng import Purpose
from trialsim.treatment.neutrophils import N_TOXIN, marrow_at_rest
from trialsim.treatment.pharmacokinetics import N_AMOUNTS
from trialsim.treatment.pharmacology import INFUSION, LAG, N_DRUG
from trialsim.treatment.platelets import platelets_of


def compile_kernels() -> None:
    """Compile (or load from the cache on disk) every compiled function that a course calls."""
    state = s.State(
        cells=np.zeros((1, N_POPULATIONS), np.int64),
        lesions=np.full((1, s.N_LESION), np.nan),
        clock=np.zeros(s.N_CLOCK),
        platelets=platelets_of(1.0),
        amounts=np.zeros((1, N_AMOUNTS)),
        rates=quiet_rates(),
        drugs=np.ones((1, N_DRUG)),
        effects=np.zeros((0, s.N_EFFECT)),
        host=np.zeros(s.N_HOST),
        exposure=np.zeros(1),
        orders=np.array([[-1.0] + [0.0] * (s.N_ORDER - 1)]),
        inputs=np.zeros((0, s.N_INPUT)),
        marrow=marrow_at_rest(),
        toxins=np.zeros((0, N_TOXIN)),
        toxin_amounts=np.zeros((0, N_AMOUNTS)),
        toxin_inputs=np.zeros((0, s.N_INPUT)),
        settings=np.ones(s.N_SETTINGS),
        trace=np.zeros((0, s.N_TRACE)),
    )
    state.orders[0, s.SHIFT] = 1.0
    state.drugs[0, [LAG, INFUSION]] = 0.0
    (stream,) = open_streams(0, (Purpose.CELLS,), subject=1)
    own, space = state_handle(state), space_handle(1)
    entry.advance(own.address, 1.0, space.address, stream.address)
    entry.settle(own.address, space.address, stream.address)
    entry.strike(own.address, 0, 1.0, space.address, stream.address)
    entry.swallow(own.address, 0, 1.0)
    entry.scan(own.address, 0.0, space.address, stream.address, stream.address)
    entry.laboratory(own.address, 2.0, stream.address)
    entry.neutrophils(own.address, stream.address)
    entry.death_day(own.address)
    main_lineage(state.cells[0])
    markers.read(state, np.ones(markers.N_MARKER), 0.0)
