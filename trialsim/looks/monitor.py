"""The looks of a trial: every comparison at every look, and what they come to together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from trialsim.analysis import SurvivalData
from trialsim.conduct.interim import Interim, Told
from trialsim.designs.favouring import chances_of_best, shares
from trialsim.designs.monitoring import LookDecision
from trialsim.designs.multiplicity import Holm, rejecting_z
from trialsim.endpoints import adtte_frame
from trialsim.looks.comparison import ComparedArm
from trialsim.looks.data import survival_data
from trialsim.records import TrialRecord
from trialsim.reported.looks import MonitoredArm
from trialsim.spec.resolved import ResolvedProtocol


class Monitor:
    """Keeps the looks of a trial that has them: one comparison with the reference for each other arm."""

    def __init__(self, protocol: ResolvedProtocol) -> None:
        looks = protocol.analysis.looks
        if looks is None:
            raise ValueError("the protocol has no looks")
        self._protocol = protocol
        self._looks = looks
        others = [name for name in protocol.arms if name != protocol.analysis.reference]
        self._comparisons = [ComparedArm(protocol, looks, arm) for arm in others]
        self._holm = Holm(len(others), protocol.analysis.alpha, self._bound)
        self._number = 0

    @property
    def interim(self) -> Interim:
        """What the calendar is handed."""
        return Interim(self._looks.targets, self._judge)

    def _judge(self, known: TrialRecord) -> Told:
        data = survival_data(self._protocol, known, adtte_frame(known, self._protocol))
        told = self._look(known, data, last=False)
        closes = tuple(c.arm for c in self._comparisons if c.decision in (LookDecision.FUTILITY, LookDecision.HARM))
        words = "; ".join(comparison.words(named=len(self._comparisons) > 1) for comparison in told)
        stops = all(comparison.decided for comparison in self._comparisons)
        raised = self._comparisons[0].raised_to
        told_shares = None if stops else self._shares(known, data)
        if told_shares is not None:
            listed = ", ".join(f"{arm} {100 * share:.0f} %" for arm, share in told_shares.items())
            words = f"{words}; later patients: {listed}"
        return Told(f"look {self._number}: {int(data.event.sum())} events, {words}", stops, closes, raised, told_shares)

    def _shares(self, known: TrialRecord, data: SurvivalData) -> dict[str, float] | None:
        """The shares of later patients, if they are to go more often to the arm that does better."""
        floor = self._looks.least_share
        if floor is None:
            return None
        closed = {c.arm for c in self._comparisons if c.decided and c.decision is not LookDecision.EFFICACY}
        arms = [arm for arm in self._protocol.arms if arm not in closed]
        own = [np.asarray(data.arm == arm) for arm in arms]
        events = np.array([float(data.event[mine].sum()) for mine in own])
        days = np.array([float(data.time_days[mine].sum()) for mine in own])
        best = dict(zip(arms, chances_of_best(events, days).tolist(), strict=True))
        found = shares(best, len(known.patients), self._protocol.accrual.patients, floor)
        for comparison in self._comparisons:
            comparison.note_share(found.get(comparison.arm, 0.0))
        return found

    def finish(self, record: TrialRecord, adtte: pd.DataFrame) -> tuple[MonitoredArm, ...]:
        """The looks of every comparison as they were, the final analysis among them, for results.json."""
        early = all(comparison.decided for comparison in self._comparisons)
        if not early:
            self._look(record, survival_data(self._protocol, record, adtte), last=True)
        return tuple(comparison.finish(early) for comparison in self._comparisons)

    def _look(self, known: TrialRecord, data: SurvivalData, *, last: bool) -> list[ComparedArm]:
        """One look at everything that is still open; those comparisons that were made."""
        self._number += 1
        made = [c for c in self._comparisons if not c.decided and c.see(known, data, last=last)]
        z = [rejecting_z(c.seen[-1].z, self._protocol.analysis.sided) if c in made else None for c in self._comparisons]
        self._holm.look(self._number, z)
        for at, comparison in enumerate(self._comparisons):
            if comparison in made:
                comparison.settle(self._number, self._holm.tested[at])
        if last:
            for comparison in self._comparisons:
                comparison.give_up()
        return made

    def _bound(self, which: int, _number: int, level: float) -> float:
        return self._comparisons[which].bound(level)
