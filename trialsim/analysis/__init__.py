"""Survival analysis of a trial: one call from a table of patients to the results that are shown."""

from __future__ import annotations

from trialsim.analysis.analyse import analyse
from trialsim.analysis.data import SurvivalData
from trialsim.analysis.frame import from_frame
from trialsim.analysis.load import load_table
from trialsim.analysis.plan import AnalysisPlan, default_plan
from trialsim.analysis.risk_table import AT_RISK_CONVENTION, default_ticks
from trialsim.analysis.summary import summarise
from trialsim.analysis.text import as_text

__all__ = [
    "AT_RISK_CONVENTION",
    "AnalysisPlan",
    "SurvivalData",
    "analyse",
    "as_text",
    "default_plan",
    "default_ticks",
    "from_frame",
    "load_table",
    "summarise",
]
