"""Single patients' courses: a figure, a sentence and a few facts for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsim.report.figure import Figure, Key
from trialsim.report.figures import course
from trialsim.report.figures.burden import STATES
from trialsim.report.numbers import DAYS_PER_MONTH, rounded, words
from trialsim.report.tables import Table

_SHOWN_ROWS = 14


@dataclass(frozen=True)
class PatientPanel:
    title: str
    arm_label: str
    facts: str
    outcome: str
    cause: str
    figure: Figure
    table: Table


@dataclass(frozen=True)
class Stories:
    selection: str
    keys: tuple[Key, ...]
    """The legend of all panels."""
    panels: tuple[PatientPanel, ...]


def patient_stories(stories: Mapping[str, Any]) -> Stories:
    """The stories of a run, with how the patients were chosen."""
    told = enumerate(stories.get("patients") or [])
    panels = tuple(_panel(story, stories["detection_limit"], number) for number, story in told)
    keys = tuple(dict.fromkeys(key for panel in panels for key in panel.figure.keys))
    order = [name for name, *_ in STATES]
    ranked = sorted(keys, key=lambda key: order.index(key.label) if key.label in order else len(order))
    return Stories(stories.get("selection", ""), tuple(ranked), panels)


def _panel(story: Mapping[str, Any], limit: float, number: int) -> PatientPanel:
    return PatientPanel(
        f"Patient {story['patient']}",
        story["arm_label"],
        trait_facts(story["traits"]),
        story["outcome"],
        relapse_sentence(story),
        course(story, limit, number),
        course_table(story),
    )


def trait_facts(traits: Mapping[str, Any]) -> str:
    """The traits that a clinician would ask for first."""
    facts = []
    if traits.get("age") is not None:
        facts.append(f"{float(traits['age']):.0f} years")
    if traits.get("subtype"):
        facts.append(words(str(traits["subtype"])))
    if traits.get("nodes"):
        facts.append(f"nodes {words(str(traits['nodes']))}")
    if traits.get("p53_status"):
        facts.append(f"p53 {words(str(traits['p53_status']))}")
    if traits.get("doubling_time"):
        facts.append(f"doubling time {float(traits['doubling_time']):.0f} days")
    return ", ".join(facts)


def relapse_sentence(story: Mapping[str, Any]) -> str:
    """Why the patient relapsed, and since when it could have been seen; empty without relapse."""
    relapse = story.get("relapse")
    if not relapse:
        return ""
    shares = sorted((relapse.get("lineage") or {}).items(), key=lambda item: (-item[1], item[0]))
    lineage = ", ".join(f"{100 * share:.0f}% {cause}" for cause, share in shares if share >= 0.005)
    mixed = f" (dividing cells: {lineage})" if "," in lineage else ""
    return f"The {relapse['site']} relapse came from {relapse['cause']}{mixed}; {_delay(relapse)}."


def _delay(relapse: Mapping[str, Any]) -> str:
    latent, detected = relapse["latent_day"], relapse["detected_day"]
    if latent is None:
        limit = rounded(relapse["limit"])
        return f"the scan called it early: {relapse['cells']:,.0f} cells, below the detection limit of {limit}"
    if latent <= 0.0:
        return "it was at the detection limit when the patient was randomised"
    since = f"it had reached the detection limit in month {latent / DAYS_PER_MONTH:.1f}"
    return f"{since}, {(detected - latent) / DAYS_PER_MONTH:.1f} months before the scan that saw it"


def course_table(story: Mapping[str, Any]) -> Table:
    """Cell counts over time at a few evenly spaced rows."""
    count = len(story["time"])
    rows = min(count, _SHOWN_ROWS)
    picked = sorted({round(i * (count - 1) / max(1, rows - 1)) for i in range(rows)})
    states = [state for state in ("cycling", "dormant", "senescent", "escaped") if state in story["series"]]
    body = [
        (
            f"{story['time'][i] / DAYS_PER_MONTH:.1f}",
            *(rounded(story["series"][s][i]) for s in states),
        )
        for i in picked
    ]
    note = f"{len(picked)} of {count} saved times." if len(picked) < count else ""
    return Table("Cells by state", ("Month", *states), tuple(body), note)
