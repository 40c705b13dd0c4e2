"""What ends the follow-up of a trial, as an author writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from trialsim.spec.rules import Rule
from trialsim.spec.values import Bounded, Whole, broken
from trialsim.spec.written import Written
from trialsim.spec.written_conduct import Moment


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
