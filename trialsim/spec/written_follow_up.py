"""What patients wait for and what ends their follow-up, as an author writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from trialsim.spec.rules import Rule
from trialsim.spec.values import Bounded, Listed, Whole, broken, no_repeats
from trialsim.spec.written import Written
from trialsim.spec.written_conduct import Moment

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Places = Annotated[Whole, Bounded(1, 1e6)]


class WrittenCapacity(Written):
    """How many patients a day there are places for; a treatment waits for its place."""

    infusion_chairs: Places | None = Field(None, description="Patients a day who can have infusions.")
    radiotherapy_slots: Places | None = Field(None, description="Patients a day who can have a fraction of radiation.")
    open: Annotated[list[Weekday], Listed, AfterValidator(no_repeats)] = Field(
        list(WEEK), description="Days of the week with places, e.g. [mon, tue, wed, thu, fri]."
    )
    per_site: bool = Field(False, description="Whether each site has that many, or all sites together.")

    @model_validator(mode="after")
    def _some(self) -> WrittenCapacity:
        if self.infusion_chairs is None and self.radiotherapy_slots is None:
            raise broken(Rule.CAPACITY, "`capacity` limits nothing", "infusion_chairs: 12")
        return self


class WrittenCut(Written):
    """When the data are cut, beside the minimum follow-up."""

    events: Annotated[Whole, Bounded(1, 1e7)] | None = Field(
        None, description="Events of the primary endpoint that have to be seen."
    )
    date: Moment | None = Field(None, description="A date, or a time since the trial opened.")
    when: Literal["latest", "earliest"] = Field(
        "latest", description="At the latest or the earliest of `events`, `date` and `minimum`, as far as given."
    )
    no_later_than: Moment = Field(
        30 * 365.25, description="The data are cut then in any case, however few the events (default 30 yr)."
    )

    @model_validator(mode="after")
    def _some(self) -> WrittenCut:
        if self.events is None and self.date is None:
            raise broken(Rule.CUT, "`cut` has neither `events` nor `date`", "events: 200")
        return self
