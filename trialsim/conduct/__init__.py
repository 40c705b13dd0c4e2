"""The trial on a calendar: accrual, randomisation, treatment, visits, death, withdrawal, the data cut."""

from trialsim.conduct.course import NewCourse, PatientCourse
from trialsim.conduct.trial_calendar import conduct_one_patient, conduct_trial, conduct_under

__all__ = ["NewCourse", "PatientCourse", "conduct_one_patient", "conduct_trial", "conduct_under"]
