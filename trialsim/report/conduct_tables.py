"""The page's tables of how a trial went: allocation, baseline, treatment, waiting, harm, intercurrent events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trialsim.report.intercurrent import NAMES
from trialsim.report.numbers import ABSENT, NOT_MEASURED, NOT_MODELLED, between, percent, rounded, share_of, words
from trialsim.report.tables import Table
from trialsim.report.waiting import PLACES
from trialsim.reported.trial import (
    Allocation,
    ArmSummary,
    Baseline,
    Harm,
    IntercurrentEvents,
    Levels,
    Quartiles,
    WaitingTimes,
)

#: What a method of randomisation is called.
METHODS = {"blocks": "permuted blocks", "simple": "simple randomisation", "minimisation": "minimisation"}
#: With more arms than these quartiles may break over two lines, so that the last arm stays in view.
_ROOMY = 3


def allocation(found: Allocation, labels: Mapping[str, str]) -> Table:
    """Patients by arm and level, with the imbalance of each group."""
    rows: list[tuple[str, ...]] = []
    heading = ""
    for row in found.rows:
        if row.factor != heading:
            heading = row.factor
            rows.append((words(heading),))
        name = f"  {words(row.level)}" if heading else "All patients"
        rows.append((name, *(f"{row.arms[arm]:,}" for arm in labels), f"{row.imbalance:.1f}"))
    note = (
        f"By {METHODS[found.method]}. Imbalance: the largest difference, over arms, from the patients that the ratio "
        f"would have given; at most {found.largest_in_stratum:.1f} in a stratum"
    )
    if found.largest_at_a_site is not None:
        note += f" and {found.largest_at_a_site:.1f} at a site"
    return Table("Allocation", ("", *labels.values(), "Imbalance"), tuple(rows), f"{note}.")


def baseline(found: Baseline, labels: Mapping[str, str], sizes: Mapping[str, int]) -> Table:
    """Traits by arm: median and quartiles, or counts. No p values: differences here are chance by design."""
    head = ("", *(f"{label} (n = {sizes[arm]:,})" for arm, label in labels.items()))
    rows: list[tuple[str, ...]] = []
    for row in found.rows:
        counts = {arm: own.levels for arm, own in row.arms.items() if isinstance(own, Levels)}
        if counts:
            rows.append((row.label,))
            for level in dict.fromkeys(level for own in counts.values() for level in own):
                shares = (share_of(counts[arm].get(level, 0), sum(counts[arm].values())) for arm in labels)
                rows.append((f"  {words(level)}", *shares))
        else:
            unit = f", {row.unit}" if row.unit else ""
            rows.append((f"{row.label}{unit}", *(_quartiles(row.arms[arm], len(labels)) for arm in labels)))
    return Table("Baseline", head, tuple(rows), "Median (quartiles), or number (percent).")


def _quartiles(own: Levels | Quartiles, arms: int) -> str:
    if isinstance(own, Levels) or own.median is None:
        return "–"
    quartiles = between(own.q1, own.q3, rounded)
    if arms > _ROOMY:
        quartiles = quartiles.replace("\u00a0to\u00a0", "\u00a0to ")
    return f"{rounded(own.median)} ({quartiles})"


def treatment(arms: Mapping[str, ArmSummary]) -> Table | None:
    """How much of the planned dose was given and what it cost in platelets."""
    rows = []
    for arm in arms.values():
        intensity, low = arm.dose_intensity, arm.grade34_thrombocytopenia_percent
        if intensity is not None or low is not None:
            given = "none planned" if intensity is None else percent(intensity)
            rows.append((arm.label, given, NOT_MEASURED if low is None else f"{low:.1f}%"))
    head = ("Arm", "Relative dose intensity, mean", "Grade 3–4 thrombocytopenia")
    note = "Thrombocytopenia by the laboratory's counts, of treated patients with a count."
    return Table("Treatment and harm", head, tuple(rows), note) if rows else None


def harm(by_arm: Mapping[str, Harm], labels: Mapping[str, str]) -> Table | None:
    """What became of doses, and the worst grade of blood counts, one column per arm; None where nothing was held."""
    arms = {arm: by_arm[arm] for arm in labels if by_arm[arm].treated is not None}
    kinds = list(next(iter(arms.values())).doses) if arms else []
    seen = [kind for kind in kinds if kind == "given" or any(entry.doses[kind] for entry in arms.values())]
    counted = [c for c in ("platelets", "neutrophils") if any(sum((e.grades[c] or ())[1:]) for e in arms.values())]
    if len(seen) < 2 and not counted:
        return None
    rows: list[tuple[str, ...]] = [(f"Doses {kind}", *(f"{e.doses[kind]:,}" for e in arms.values())) for kind in seen]
    rows.append(("Stopped for toxicity", *(f"{entry.stopped_for_toxicity:,}" for entry in arms.values())))
    for cells in counted:
        rows.append((f"Lowest {cells}, patients",))
        for grade in range(1, 5):
            rows.append((f"  grade {grade}", *(_with_grade(entry.grades[cells], grade) for entry in arms.values())))
    note = "Grades of true counts by CTCAE v5, of patients treated."
    untold = [label for arm, label in labels.items() if arm not in arms]
    note += f" {NOT_MODELLED.capitalize()} in {', '.join(untold)}." * bool(untold)
    return Table("Doses and blood counts", ("", *(labels[arm] for arm in arms)), tuple(rows), note)


def _with_grade(grades: Sequence[int] | None, grade: int) -> str:
    return "nobody treated" if grades is None else share_of(grades[grade], sum(grades))


def intercurrent(found: IntercurrentEvents, labels: Mapping[str, str]) -> Table | None:
    """Patients with each intercurrent event by arm; None where there were none."""
    came = [kind for kind in NAMES if any(found.arms[arm][kind] for arm in labels)]
    is_plain = set(found.strategies.values()) == {"treatment-policy"}
    if not came or (is_plain and came == ["discontinuation"]):
        return None
    counts = {kind: [found.arms[arm][kind] for arm in labels] for kind in came}
    rows = [
        (
            NAMES[kind],
            found.strategies[kind].replace("-", " "),
            *(NOT_MODELLED if n is None else f"{n:,}" for n in counts[kind]),
        )
        for kind in came
    ]
    note = "Patients who had each by the data cut."
    if found.stratum is not None:
        of = ", ".join(f"{found.stratum[arm]:,} ({label})" for arm, label in labels.items())
        note += f" Of the principal stratum are {of}."
    return Table("Intercurrent events", ("Event", "Strategy", *labels.values()), tuple(rows), note)


def waiting(entries: Sequence[WaitingTimes]) -> Table | None:
    """Waits by arm and kind of place; None where nothing is limited."""
    head = ("Arm, place", "Treatments", "Had to wait", "Mean wait", "Of the first", "Longest", "In vain", "At the cut")
    note = (
        "Waits in days of treatments that were given; the first is that of each patient. Patients whose treatment "
        "ended while they waited did so in vain; others waited when the data were cut."
    )
    rows = tuple(
        (
            f"{entry.label}, {PLACES[entry.place]}",
            f"{entry.administrations:,}",
            share_of(entry.delayed, entry.administrations),
            *map(_days, (entry.mean_days, entry.first_mean_days, entry.longest_days)),
            f"{entry.in_vain:,}",
            f"{entry.waiting_at_cut:,}",
        )
        for entry in entries
    )
    return Table("Waiting for a place", head, rows, note) if rows else None


def _days(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.1f}"
