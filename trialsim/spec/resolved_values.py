"""The numbers of a resolved protocol and the ranges in which they lie, so that a saved one that was damaged is told.

The ranges are those that what an author writes can come to; what a number means together with others is checked by
`trialsim.spec.check_saved`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import ValidationInfo, with_info_before_validator_function

from trialsim.spec.values import Bounded
from trialsim.units import DAYS_PER_YEAR

#: The context in which a saved protocol is read. What is being resolved has its own rules, which tell more.
SAVED = "saved"


class InRange(Bounded):
    """Marks a number of a saved protocol, from ``low`` (or above it, when ``open_low``) to ``high``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object, info: ValidationInfo) -> object:
            return self.read(value) if info.context == SAVED else value

        return with_info_before_validator_function(read, handler(source))


_LONGEST = 200 * DAYS_PER_YEAR
#: Rise of the logarithm of mortality with a year of age: at the steepest it goes up a hundredfold.
MOST_SLOPE = 5.0

#: A stretch of time, or a study day.
Days = Annotated[float, InRange(0.0, _LONGEST)]
SomeDays = Annotated[float, InRange(0.0, _LONGEST, open_low=True)]
#: A day of the trial's calendar, which a date before the trial opens makes negative.
CalendarDay = Annotated[float, InRange(-4e6, 4e6)]
#: The longest step of the cell kernel.
Step = Annotated[float, InRange(0.01, _LONGEST)]
#: Per day, or per year for background mortality.
Rate = Annotated[float, InRange(0.0, 1000.0)]
Slope = Annotated[float, InRange(0.0, MOST_SLOPE)]
Share = Annotated[float, InRange(0.0, 1.0)]
SomeShare = Annotated[float, InRange(0.0, 1.0, open_low=True)]
#: Of a Weibull law.
Shape = Annotated[float, InRange(0.05, 20.0)]
#: A number that has no meaning at zero or below: a shape, a weight, a ratio of hazards.
Positive = Annotated[float, InRange(0.0, 1e9, open_low=True)]
NotNegative = Annotated[float, InRange(0.0, 1e9)]
Cells = Annotated[float, InRange(0.0, 1e15, open_low=True)]
Dose = Annotated[float, InRange(0.0, 1e9, open_low=True)]
Count = Annotated[int, InRange(1, 1e7)]
#: Of patients that are let in, where none may be.
Room = Annotated[int, InRange(0, 1e7)]
