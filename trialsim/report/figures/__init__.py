"""The figures of the report, each a plain dict in plotly's schema."""

from trialsim.report.figures.burden import course
from trialsim.report.figures.causes import cause_bars, cause_panels, ordered_causes
from trialsim.report.figures.incidence import incidence
from trialsim.report.figures.kaplan_meier import kaplan_meier
from trialsim.report.figures.looks import looks
from trialsim.report.figures.restricted import mean_difference
from trialsim.report.figures.timeline import regimen_timeline

__all__ = [
    "cause_bars",
    "cause_panels",
    "course",
    "incidence",
    "kaplan_meier",
    "looks",
    "mean_difference",
    "ordered_causes",
    "regimen_timeline",
]
