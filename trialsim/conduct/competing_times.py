"""When a patient would die or leave, drawn before the trial starts for them.

The times compete with the tumour and with each other; the first one counts. They come from streams keyed
by patient and purpose, so a patient has the same background death and the same dropout under every arm.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from trialsim.calendar_grid import on_grid
from trialsim.conduct.mortality import days_to_death
from trialsim.records import Traits
from trialsim.rng import Purpose, stream
from trialsim.spec.resolved import PostRelapse, ResolvedProtocol
from trialsim.spec.resolved_conduct import AfterRelapse


class CompetingTimes(NamedTuple):
    """Study days; infinity where it never happens."""

    death: float
    """Death from causes other than cancer."""
    dropout: float
    """Withdrawal from the study."""
    lost: float = math.inf
    """Loss to follow-up."""
    new_therapy: float = math.inf
    """Other anticancer therapy, if there is no relapse before."""
    event: float = math.inf
    """The event of an arm with a law, where it is seen when it happens and is no death."""
    death_by_law: float = math.inf
    """Death by a law of overall survival, for which causes are one."""

    @property
    def ends(self) -> float:
        """The end of follow-up by death, withdrawal or loss."""
        return min(self.death, self.death_by_law, self.dropout, self.lost)


def draw_competing_times(
    protocol: ResolvedProtocol, traits: Traits, patient: int, *, seed: int, replicate: int = 0
) -> CompetingTimes:
    """Background death (Gompertz, given age and sex), dropout, loss and other therapy (exponential) of one patient.

    Uses the traits ``age`` (years) and ``sex``.
    """
    mortality = protocol.cohort.mortality["male" if traits["sex"] == "male" else "female"]
    hazard = stream(seed, Purpose.BACKGROUND_DEATH, subject=patient, replicate=replicate).standard_exponential()
    death = days_to_death(mortality, float(traits["age"]), hazard)

    def exponential(purpose: Purpose, rate: float) -> float:
        if rate <= 0.0:
            return math.inf
        return on_grid(stream(seed, purpose, subject=patient, replicate=replicate).standard_exponential() / rate)

    new = protocol.intercurrent.new_therapy
    return CompetingTimes(
        on_grid(death),
        dropout=exponential(Purpose.DROPOUT, protocol.follow_up.dropout_per_day),
        lost=exponential(Purpose.LOST, protocol.follow_up.lost_per_day),
        new_therapy=exponential(Purpose.NEW_THERAPY, new.per_day if new is not None else 0.0),
    )


def times_of_law(protocol: ResolvedProtocol, times: CompetingTimes, event: float) -> CompetingTimes:
    """The times of a patient whose event comes by a law on study day ``event``.

    A law has in it every death that its endpoint counts. So background death goes on only beside a time to relapse,
    which counts none.
    """
    if protocol.endpoint.primary == "os":
        return times._replace(death=math.inf, death_by_law=event)
    if protocol.endpoint.primary == "ttr":
        return times._replace(event=event)
    return times._replace(death=math.inf, event=event)


def draw_after_relapse(
    protocol: ResolvedProtocol, arm: str, patient: int, *, seed: int, replicate: int = 0
) -> AfterRelapse | None:
    """What a patient of an arm would be given on relapse: another arm's treatment, something else, or neither."""
    plans = protocol.intercurrent
    if plans.crossover is None and plans.rescue is None:
        return None
    units = stream(seed, Purpose.AFTER_RELAPSE, subject=patient, replicate=replicate).random(2)
    for plan, unit in zip((plans.crossover, plans.rescue), units, strict=True):
        if plan is not None and arm in plan.arms and unit < plan.share:
            return plan
    return None


def draw_post_relapse_survival(
    post_relapse: PostRelapse, site: str, patient: int, *, seed: int, replicate: int = 0
) -> float:
    """Days from the detection of relapse to death from cancer: exponential with the site's median."""
    median = post_relapse.local_median_days if site == "local" else post_relapse.distant_median_days
    unit = stream(seed, Purpose.POST_RELAPSE, subject=patient, replicate=replicate).standard_exponential()
    return on_grid(unit * median / math.log(2.0))
