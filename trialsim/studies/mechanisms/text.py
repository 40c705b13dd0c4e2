"""The results of mechanisms as text for a terminal, and as a page of the docs. Both only render what was run."""

from __future__ import annotations

from collections.abc import Iterator

from trialsim.reported.studies import MechanismExperiment, MechanismOutcome, MechanismResult, MechanismsRun
from trialsim.studies.findings.judge import number, saved_interval
from trialsim.studies.findings.text import anchor, table
from trialsim.studies.mechanisms.registry import DEMANDS, SHOWN
from trialsim.text_table import columns

_NUMBERS = ("on (95 %)", "off (95 %)", "difference (95 %)")
_HEAD = ("outcome", "unit", *_NUMBERS, "demanded", "")


def as_text(results: MechanismsRun) -> str:
    """Every mechanism with its outcomes, then the count."""
    lines: list[str] = []
    for mechanism in results.mechanisms:
        mark = "pass       " if mechanism.result == "pass" else "falls short"
        lines.append(f"{mark}  {mechanism.id}  {mechanism.claim}")
        for experiment in mechanism.experiments:
            lines.append(f"{'':13}{experiment.switch}  in {_words(experiment)}")
            lines += columns([_HEAD, *(_cells(outcome) for outcome in experiment.outcomes)], " " * 15)
        lines.append("")
    lines.append(f"{results.passed} of {results.total} mechanisms pass.")
    return "\n".join(lines)


def as_page(results: MechanismsRun) -> str:
    """docs/mechanisms.md."""
    margins = ", ".join(f"{number(margin)} {unit}" for unit, margin in results.margins.items())
    lines = [
        "# Mechanisms",
        "",
        "Every mechanism of the model is exercised by a protocol that ships with it, and switched off by one key. The "
        "same subjects are simulated both ways. A row passes when the switch changes what the mechanism should change, "
        "in the direction that was demanded, and leaves alone what it should leave alone. Demands were written before "
        "the first run; where one was changed afterwards, its section says so. "
        f"**{results.passed} of {results.total} pass** (seed {results.seed}).",
        "",
        "An outcome is a mean over subjects. The difference is the mean of each subject's own on less off, that is, "
        "what the mechanism does. Where two arms are named, the outcome is what the first does beyond the second in "
        "the same subject. Intervals are 95 % Monte-Carlo intervals over simulated subjects: they tell how far another "
        "seed might be off, not how far the model's numbers may be; of forty demands on a mechanism that does nothing, "
        "about one would be met by chance.",
        "",
        *table(("demanded", "met when"), [*DEMANDS.items(), (SHOWN, "told and not judged")]),
        f"Margins, one for each unit and the same in every row: {margins}. A change that was demanded and is met "
        "counts as *small* when its whole interval lies within the margin: the mechanism works, and hardly matters "
        "where it was put to the test.",
        "",
        "## All mechanisms",
        "",
        "The first outcome of each; the others follow below.",
        "",
    ]
    head = ("", "mechanism", "protocol", "switch", "outcome", *_NUMBERS, "met", "result")
    lines += table(head, [_summary(m) for m in results.mechanisms])
    lines += ["## Small effects", "", *_small(results)]
    lines += ["## Each mechanism", ""]
    for mechanism in results.mechanisms:
        lines += _section(mechanism)
    lines.append("Written by `trialsim mechanisms --write docs/mechanisms.md`.")
    return "\n".join(lines) + "\n"


def _summary(mechanism: MechanismResult) -> tuple[str, ...]:
    first = mechanism.experiments[0]
    outcome = first.outcomes[0]
    judged = [o for o in _outcomes(mechanism) if o.met is not None]
    name, unit, *numbers = _cells(outcome)
    return (
        f"[{mechanism.id}](#{anchor(_heading(mechanism))})",
        mechanism.claim,
        _link(first.protocol),
        f"`{first.switch}`",
        f"{name}, {unit}",
        *numbers[:3],
        f"{sum(bool(o.met) for o in judged)} of {len(judged)}",
        mechanism.result if mechanism.result == "pass" else f"**{mechanism.result}**",
    )


def _small(results: MechanismsRun) -> list[str]:
    rows = [
        (mechanism.id, f"`{experiment.switch}`", outcome.name, saved_interval(outcome.difference), outcome.unit)
        for mechanism in results.mechanisms
        for experiment in mechanism.experiments
        for outcome in experiment.outcomes
        if outcome.small and outcome.met
    ]
    if not rows:
        return ["None.", ""]
    told = "Changes that are there, in the direction demanded, and no larger than what counts as none elsewhere."
    return [told, "", *table(("", "switch", "outcome", "difference (95 %)", "unit"), rows)]


def _section(mechanism: MechanismResult) -> list[str]:
    lines = [f"### {_heading(mechanism)}", ""]
    if mechanism.note:
        lines += [mechanism.note, ""]
    for experiment in mechanism.experiments:
        words = f" {experiment.why}" if experiment.why else ""
        lines += [f"`{experiment.switch}` in {_words(experiment, link=True)}.{words}", ""]
        lines += table(_HEAD, [_cells(outcome, bold=True) for outcome in experiment.outcomes])
    if mechanism.short:
        lines += [f"**Falls short:** {'; '.join(mechanism.short)}.", ""]
    return lines


def _words(experiment: MechanismExperiment, *, link: bool = False) -> str:
    """Where an experiment takes place, and what holds in it."""
    protocol = _link(experiment.protocol) if link else f"protocols/{experiment.protocol}.yaml"
    words = [protocol, f"{experiment.subjects} subjects"]
    if experiment.set:
        words.append("set: " + ", ".join(f"`{item}`" if link else item for item in experiment.set))
    if experiment.plated:
        words.append("plated: " + ", ".join(f"{name} {value}" for name, value in experiment.plated.items()))
    return ", ".join(words)


def _cells(outcome: MechanismOutcome, *, bold: bool = False) -> tuple[str, ...]:
    no = "**no**" if bold else "NO"
    met = {True: "yes, small" if outcome.small else "yes", False: no, None: ""}[outcome.met]
    arms = outcome.arm + (f" against {outcome.minus}" if outcome.minus else "")
    name = f"{outcome.name} [{arms}]"
    numbers = map(saved_interval, (outcome.on, outcome.off, outcome.difference))
    return name, outcome.unit, *numbers, outcome.demand, met


def _outcomes(mechanism: MechanismResult) -> Iterator[MechanismOutcome]:
    for experiment in mechanism.experiments:
        yield from experiment.outcomes


def _link(protocol: str) -> str:
    return f"[{protocol}](../protocols/{protocol}.yaml)"


def _heading(mechanism: MechanismResult) -> str:
    return f"{mechanism.id} {mechanism.claim}"
