"""The trial on a calendar: accrual, randomisation, treatment, visits, death, withdrawal, the data cut."""

from trialsim.conduct.course import Course, NewCourse
from trialsim.conduct.trial_calendar import conduct_one_patient, conduct_trial, conduct_under

__all__ = ["Course", "NewCourse", "conduct_one_patient", "conduct_trial", "conduct_under"]
