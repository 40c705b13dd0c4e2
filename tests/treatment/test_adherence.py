"""Missed doses: as many as stated, of drugs taken at home alone, the same under every arm."""

from __future__ import annotations

import numpy as np

from tests.patient.protocols import arm, order, shipped, with_agents
from trialsim.spec.resolved import Pharmacology
from trialsim.treatment.adherence import is_taken_at_home, missed_doses

DAYS = np.arange(400.0)


def test_only_what_is_taken_at_home_is_missed() -> None:
    """Catches an infusion, a fraction or a depot that a patient forgets."""
    protocol = with_agents(shipped())
    home = {name for name in protocol.agents if is_taken_at_home(protocol, order(name, 1.0, [0.0]))}
    assert {"navitoclax", "palbociclib", "bicalutamide", "letrozole", "ruxolitinib"} <= home
    assert not {"doxorubicin", "radiation", "anti-pd-1", "castration", "rituximab", "docetaxel"} & home


def test_an_orders_missed_doses_are_its_own() -> None:
    """Same patient and id: the same doses under another arm and beside another order. Catches a shared stream."""
    protocol = with_agents(shipped()).model_copy(update={"pharmacology": Pharmacology(adherence=0.9)})
    navitoclax, letrozole = order("navitoclax", 150.0, DAYS), order("letrozole", 2.5, DAYS)
    both = missed_doses(protocol, arm(letrozole, navitoclax), 7, seed=3)
    (alone,) = missed_doses(protocol, arm(navitoclax), 7, seed=3)
    np.testing.assert_array_equal(both[1], alone)
    assert (both[0] != both[1]).any()
    assert (missed_doses(protocol, arm(navitoclax), 8, seed=3)[0] != alone).any()
    assert missed_doses(with_agents(shipped()), arm(navitoclax), 7, seed=3) == ()
