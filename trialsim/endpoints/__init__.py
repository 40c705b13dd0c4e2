"""From the event log and the patients' records to the tables that a trial is analysed and reported from."""

from trialsim.endpoints.adsl import adsl_frame
from trialsim.endpoints.adtte import adtte_frame
from trialsim.endpoints.allocation import allocation_table
from trialsim.endpoints.baseline import baseline_table
from trialsim.endpoints.biomarkers import guided_orders
from trialsim.endpoints.csv_text import csv_text
from trialsim.endpoints.departures import departures
from trialsim.endpoints.estimand import primary_event
from trialsim.endpoints.events_frame import events_frame
from trialsim.endpoints.flow import participant_flow
from trialsim.endpoints.harm import harm_table
from trialsim.endpoints.identity import usubjid
from trialsim.endpoints.intercurrent import intercurrent_events
from trialsim.endpoints.summary import arm_summaries
from trialsim.endpoints.survival_frame import survival_frame
from trialsim.endpoints.waiting import waiting_times

__all__ = [
    "adsl_frame",
    "adtte_frame",
    "allocation_table",
    "arm_summaries",
    "baseline_table",
    "csv_text",
    "departures",
    "events_frame",
    "guided_orders",
    "harm_table",
    "intercurrent_events",
    "participant_flow",
    "primary_event",
    "survival_frame",
    "usubjid",
    "waiting_times",
]
