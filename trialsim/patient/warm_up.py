"""Compile the course before it is timed or watched, and before processes share the work."""

from __future__ import annotations

import math

import numpy as np

from trialsim.biology.populations import N_INDUCERS
from trialsim.patient import agenda, prepare, visits, watched
from trialsim.patient import state as s
from trialsim.patient.bank import keep
from trialsim.patient.kinetics import OwnKinetics
from trialsim.patient.plan import Line, Mover
from trialsim.patient.untreated import Gains, Person, World
from trialsim.structured import as_bytes, grid, named, rows
from trialsim.treatment.pharmacology import Drug


def compile_kernels() -> None:
    """Compile (or load from the cache on disk) what Python calls of a course."""
    orders, panels, assays = rows(s.OrderState, 1), rows(s.PanelOfGuide, 0), rows(s.Assay, 0)
    recipe = prepare.Recipe(
        rows(s.Body, 1), rows(Drug, 1), rows(Drug, 0), rows(s.Effect, 0), orders, panels, assays, 0.0
    )
    world = World(Gains(*[0.0] * len(Gains._fields)), np.zeros(N_INDUCERS), 1.0, 1.0, 1.0, 0.0, 1.0)
    ones = np.ones(1)
    kinetics = OwnKinetics(ones, ones, ones, ones, ones, 1.0)
    chance = prepare.Chance(0, 1, 0, math.inf, math.inf)
    person = Person(*[1.0] * len(Person._fields))
    movers = rows(Mover, 1)
    named(movers).waits_since = math.nan
    copies = prepare.assemble(person, True, world, *recipe, *kinetics, *chance, as_bytes(rows(Line, 0)), movers, 0)
    own = s.view_in_python(copies, s.PATIENT)
    visits.act(*copies, visits.Act.VISIT.value, -1, 0.0, math.inf, math.inf)
    visits.death_before(copies, math.inf, math.inf)
    visits.finish(copies, 0.0)
    agenda.next_line(own)
    keep(*copies, 0, rows(s.Outcome, 1), grid(s.OrderState, 1, 1), grid(s.PanelOfGuide, 1, 0))
    watched.look(copies, 0.0)
