"""The sections ``biomarkers`` and ``panels`` as written -> resolved; and whether ``give_if`` names what is there.

An entry of ``biomarkers`` that is called like a shipped biomarker starts from it, and replaces what it writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trialsim.spec.agents import Sourced
from trialsim.spec.biomarkers import MEASURES, Marker, Measure, Panel, shipped_markers
from trialsim.spec.form import Findings, read_entries
from trialsim.spec.orders import Item
from trialsim.spec.resolved import ResolvedArm
from trialsim.spec.rules import Rule
from trialsim.spec.values import did_you_mean
from trialsim.spec.written_protocol import Amount, WrittenMarker, WrittenPanel

_TEST, _SCORE = ("sensitivity", "specificity"), ("noise", "cutoff", "background")
_FORMS = "keep `sensitivity` and `specificity`, or `noise` and `cutoff`"
_SOURCE = "set in the protocol"
_EXAMPLE = {"cells": "1e5 cells", "fraction": "5 %"}
_NOUN = {"cells": "a number of cells", "fraction": "a fraction"}


@dataclass(frozen=True)
class Biomarkers:
    """Everything that an order may be given by. None stands for what is there but broken."""

    markers: dict[str, Marker | None]
    panels: dict[str, Panel | None]

    def panel(self, name: str) -> Panel | None:
        """A panel, or a biomarker as a panel of one."""
        if name in self.panels:
            return self.panels[name]
        return Panel(name=name, markers=(name,), at_least=1) if self.markers.get(name) else None

    def used_by(self, arms: Sequence[ResolvedArm]) -> tuple[dict[str, Marker], dict[str, Panel]]:
        """The biomarkers and panels that decide on an order, by name."""
        names = sorted({guide.panel for arm in arms for guide in arm.guides})
        panels = {name: panel for name in names if (panel := self.panel(name)) is not None}
        wanted = sorted({marker for panel in panels.values() for marker in panel.markers})
        return {name: marker for name in wanted if (marker := self.markers[name]) is not None}, panels


def resolve_biomarkers(findings: Findings) -> Biomarkers:
    """The biomarkers and panels of a document with those that ship; problems are noted."""
    data = findings.document.data
    markers: dict[str, Marker | None] = {name: _complete(marker) for name, marker in shipped_markers().items()}
    written: dict[str, WrittenMarker | None] = {}
    if "biomarkers" in data:
        written = read_entries(findings, ("biomarkers",), WrittenMarker)
    for name, form in written.items():
        markers[name] = None if form is None else _marker(findings, name, form)
    panels: dict[str, Panel | None] = {}
    forms: dict[str, WrittenPanel | None] = {}
    if "panels" in data:
        forms = read_entries(findings, ("panels",), WrittenPanel)
    for name, panel in forms.items():
        if name in markers:
            message = f"a panel cannot be called `{name}`"
            findings.add(("panels", name), message, Rule.PANEL_NAME, f"{name}-panel", at_key=True)
        panels[name] = None if panel is None else _panel(findings, name, panel, markers)
    return Biomarkers(markers, panels)


def check_guide(findings: Findings, item: Item, biomarkers: Biomarkers) -> None:
    """Whether what decides on an order is there; its day is for the arm's schedule to check."""
    guide = item.written.give_if if item.written is not None else None
    if guide is None:
        return
    known: list[str] = [*biomarkers.markers] if guide.marker else [*biomarkers.panels, *biomarkers.markers]
    if guide.name not in known:
        key = "marker" if guide.marker else "panel"
        in_words = isinstance(findings.document.get((*item.path, "give_if")), str)
        path = (*item.path, "give_if") if in_words else (*item.path, "give_if", key)
        what = "biomarker" if guide.marker else "panel or biomarker"
        message = f"there is no {what} called `{guide.name}`"
        findings.add(path, message, Rule.KNOWN_MARKER, did_you_mean(guide.name, known))


def _panel(findings: Findings, name: str, form: WrittenPanel, markers: dict[str, Marker | None]) -> Panel | None:
    unknown = [(i, marker) for i, marker in enumerate(form.markers) if marker not in markers]
    for i, marker in unknown:
        path = ("panels", name, "markers", i)
        message = f"there is no biomarker called `{marker}`"
        findings.add(path, message, Rule.KNOWN_MARKER, did_you_mean(marker, markers))
    size = len(form.markers)
    at_least = form.positive_if.at_least or size
    if at_least > size:
        message = f"at least {at_least} of {size} can never be positive"
        remedy = "all, or list more markers" if size > 1 else "all, or any"
        findings.add(("panels", name, "positive_if"), message, Rule.PANEL_RULE, remedy)
        return None
    return None if unknown else Panel(name=name, markers=tuple(form.markers), at_least=at_least)


def _marker(findings: Findings, name: str, form: WrittenMarker) -> Marker | None:
    """A biomarker as written, on top of the shipped one of its name if there is one."""
    path = ("biomarkers", name)
    base = shipped_markers().get(name)
    measures = form.measures or (base.measures if base else None)
    given = form.model_fields_set
    if measures is None or (form.threshold is None and base is None):
        lacking = "measures" if measures is None else "threshold"
        remedy = "measures: senescent_burden" if measures is None else "threshold: 1e5 cells"
        findings.add(path, f"`{name}` has no `{lacking}`", Rule.MARKER_MEASURE, remedy, at_key=True)
        return None
    if not _units_fit(findings, name, form, measures) or not _one_form(findings, name, form, base):
        return None
    numbers = {key: getattr(base, key) for key in ("threshold", *_TEST, *_SCORE)} if base else {}
    for mine, others in ((_TEST, _SCORE), (_SCORE, _TEST)):
        if given & set(mine):
            numbers |= dict.fromkeys(others)
    for key in ("threshold", *_TEST, *_SCORE):
        value: Any = getattr(form, key)
        if value is not None:
            numbers[key] = _sourced(form, value, "log10" if key == "noise" else "fraction")
    label = form.label or (base.label if base else name)
    note = base.note if base else ""
    return _complete(Marker(name=name, label=label, note=note, measures=measures, **numbers))


def _complete(marker: Marker) -> Marker:
    """A score without a cut-off has it at the threshold."""
    if marker.noise is None or marker.cutoff is not None:
        return marker
    return marker.model_copy(update={"cutoff": marker.threshold})


def _sourced(form: WrittenMarker, written: Amount | float, unit: str) -> Sourced:
    value, unit = (written.value, written.dimension) if isinstance(written, Amount) else (written, unit)
    return Sourced(value=value, unit=unit, source=form.source or _SOURCE, confidence=form.confidence or "low")


def _units_fit(findings: Findings, name: str, form: WrittenMarker, measures: Measure) -> bool:
    """Whether amounts are in the unit of what is measured; they are written anew when that changes."""
    wanted = MEASURES[measures][0]
    base = shipped_markers().get(name)
    fits = True
    for key in ("threshold", "cutoff", "background"):
        amount: Amount | None = getattr(form, key)
        if amount is not None and amount.dimension != wanted:
            message = f"`{key}` is {_NOUN[wanted]}, since `{name}` measures {measures}"
            findings.add(("biomarkers", name, key), message, Rule.UNIT, _EXAMPLE[wanted])
            fits = False
        inherited: Sourced | None = getattr(base, key, None)
        if amount is None and inherited is not None and inherited.unit != wanted and not _dropped(form, key):
            message = f"`{name}` measures another thing now and needs its own `{key}`"
            findings.add(("biomarkers", name, "measures"), message, Rule.MARKER_MEASURE, f"{key}: {_EXAMPLE[wanted]}")
            fits = False
    return fits


def _dropped(form: WrittenMarker, key: str) -> bool:
    """Whether an inherited number of a score goes, since the biomarker is a test now."""
    return key in _SCORE and bool(form.model_fields_set & set(_TEST))


def _one_form(findings: Findings, name: str, form: WrittenMarker, base: Marker | None) -> bool:
    """Whether a biomarker is a test or a score, whole, and not both."""
    given = form.model_fields_set
    test, score = [key for key in _TEST if key in given], [key for key in _SCORE if key in given]
    path = ("biomarkers", name)
    if test and score:
        message = f"`{name}` is given both as a test (`{test[0]}`) and as a score (`{score[0]}`)"
        findings.add((*path, score[0]), message, Rule.MARKER_FORM, _FORMS, at_key=True)
        return False
    was_test, was_score = base is not None and base.noise is None, base is not None and base.noise is not None
    lacking = ""
    if test and not was_test and len(test) == 1:
        lacking = next(key for key in _TEST if key not in test)
    elif score and not was_score and "noise" not in score:
        lacking = "noise"
    if lacking:
        has = (test or score)[0]
        remedy = {"noise": "noise: 0.5"}.get(lacking, f"{lacking}: 0.8")
        findings.add((*path, has), f"`{name}` has `{has}` but no `{lacking}`", Rule.MARKER_FORM, remedy, at_key=True)
        return False
    if not (test or score or base):
        message = f"`{name}` says nothing of its errors"
        remedy = "sensitivity: 0.8 and specificity: 0.8, or noise: 0.5"
        findings.add(path, message, Rule.MARKER_FORM, remedy, at_key=True)
        return False
    return True
