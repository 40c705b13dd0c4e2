"""Single patients' courses: a figure, a sentence and a few facts for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trialsim.report.figure import Figure, Key
from trialsim.report.figures import course
from trialsim.report.figures.burden import STATES
from trialsim.report.numbers import DAYS_PER_MONTH, rounded, words
from trialsim.report.tables import Table
from trialsim.reported.stories import PatientStories, PatientStory, RelapseStory

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


def patient_stories(stories: PatientStories) -> Stories:
    """The stories of a run, with how the patients were chosen."""
    panels = tuple(_panel(story, stories.detection_limit, number) for number, story in enumerate(stories.patients))
    keys = tuple(dict.fromkeys(key for panel in panels for key in panel.figure.keys))
    order = [name for name, *_ in STATES]
    ranked = sorted(keys, key=lambda key: order.index(key.label) if key.label in order else len(order))
    return Stories(stories.selection, tuple(ranked), panels)


def _panel(story: PatientStory, limit: float, number: int) -> PatientPanel:
    return PatientPanel(
        f"Patient {story.patient}",
        story.arm_label,
        trait_facts(story.traits),
        story.outcome,
        relapse_sentence(story),
        course(story, limit, number),
        course_table(story),
    )


def trait_facts(traits: Mapping[str, float | str]) -> str:
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


def relapse_sentence(story: PatientStory) -> str:
    """Why the patient relapsed, and since when it could have been seen; empty without relapse."""
    relapse = story.relapse
    if relapse is None:
        return ""
    shares = sorted(relapse.lineage.items(), key=lambda item: (-item[1], item[0]))
    lineage = ", ".join(f"{100 * share:.0f}% {cause}" for cause, share in shares if share >= 0.005)
    mixed = f" (dividing cells: {lineage})" if "," in lineage else ""
    return f"The {relapse.site} relapse came from {relapse.cause}{mixed}; {_delay(relapse)}."


def _delay(relapse: RelapseStory) -> str:
    latent = relapse.latent_day
    if latent is None:
        limit = rounded(relapse.limit)
        return f"the scan called it early: {relapse.cells or 0:,.0f} cells, below the detection limit of {limit}"
    if latent <= 0.0:
        return "it was at the detection limit when the patient was randomised"
    since = f"it had reached the detection limit in month {latent / DAYS_PER_MONTH:.1f}"
    delay = f"{(relapse.detected_day - latent) / DAYS_PER_MONTH:.1f}"
    return f"{since}, " + ("detected at this scan" if delay == "0.0" else f"{delay} months before it was detected")


def course_table(story: PatientStory) -> Table:
    """Cell counts over time at a few evenly spaced rows."""
    states, rows = cells_by_month(story, _SHOWN_ROWS, rounded)
    note = f"{len(rows)} of {len(story.time)} saved times." if len(rows) < len(story.time) else ""
    return Table("Cells by state", ("Month", *states), tuple(rows), note)


def cells_by_month(
    story: PatientStory, most: int, shown: Callable[[float], str]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """The cell states, and at most so many evenly spaced rows of the month and the cells in each."""
    last = len(story.time) - 1
    rows = min(len(story.time), most)
    picked = sorted({round(i * last / max(1, rows - 1)) for i in range(rows)})
    return list(story.series), [
        (f"{story.time[i] / DAYS_PER_MONTH:.1f}", *(shown(counts[i]) for counts in story.series.values()))
        for i in picked
    ]
