"""The page: one HTML file from the files of a run folder, and nothing else.

Same folder, same bytes: nothing here reads a clock, a host or a path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trialsim import results
from trialsim.report import conduct_tables
from trialsim.report.biomarkers import guided_orders
from trialsim.report.enrichment import enrichment_table, enrichment_words
from trialsim.report.enrolment import enrolment_words
from trialsim.report.estimand import arm_words, estimand, follow_up_words
from trialsim.report.event_models import model_words
from trialsim.report.figure import Figure, series_token
from trialsim.report.figures import regimen_timeline
from trialsim.report.flow import flow_boxes, flow_words
from trialsim.report.intercurrent import plans_words
from trialsim.report.looks import looks_parts, looks_words
from trialsim.report.parameters import confidence, parameter_tables
from trialsim.report.patients import patient_stories
from trialsim.report.static import draw
from trialsim.report.survival import survival_parts
from trialsim.report.tables import Table
from trialsim.report.theme import DARK, LIGHT, css_variables
from trialsim.report.verdict import Truth, truth_sentence, verdicts
from trialsim.report.waiting import capacity_words
from trialsim.reported.analysis import SurvivalAnalysis
from trialsim.reported.trial import Shown, TrialSummary
from trialsim.spec.resolved import ResolvedProtocol

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
#: Longest word, in characters, that a heading keeps on one line.
_SHORT = 14


def build_report(folder: Path) -> str:
    """The page of a run folder, as HTML.

    Raises
    ------
    UsageError
        The folder is not a run folder, one of its files is damaged, or another version wrote it.
    """
    from trialsim.spec.load import load_resolved

    folder = Path(folder)
    manifest = results.read_manifest(folder)
    shown = results.read_saved(folder, results.RESULTS, Shown)
    summary = results.read_saved(folder, results.SUMMARY, TrialSummary)
    return render(load_resolved(folder / results.PROTOCOL), shown, summary, manifest)


def write_report(folder: Path, made_from: tuple[ResolvedProtocol, Shown, TrialSummary] | None = None) -> Path:
    """Write ``report.html`` into a run folder and return its path.

    ``made_from`` is what the folder was written from, for who has it: reading that back takes as long as the page.
    """
    path = Path(folder) / results.REPORT
    page = build_report(folder) if made_from is None else render(*made_from, results.read_manifest(folder))
    path.write_text(page, encoding="utf-8")
    return path


def render(protocol: ResolvedProtocol, saved: Shown, summary: TrialSummary, manifest: results.Manifest) -> str:
    """The page from loaded content; see :func:`build_report`."""
    from trialsim.spec.high_doses import high_doses

    labels = {arm: entry.label for arm, entry in saved.analysis.arms.items()}
    sizes = {arm: entry.n for arm, entry in saved.analysis.arms.items()}
    flow = flow_boxes(saved.flow)
    context: dict[str, object] = {
        "title": protocol.title or protocol.name,
        "subtitle": protocol.description,
        "protocol": protocol,
        "high_doses": high_doses(protocol),
        "estimand": estimand(protocol),
        "enrolment": enrolment_words(protocol),
        "capacity": capacity_words(protocol),
        "plans": plans_words(protocol),
        "follow_up": follow_up_words(protocol),
        "arms_in_words": _arms_in_words(protocol),
        "timeline": regimen_timeline(protocol),
        "flow": flow,
        "flow_words": flow_words(flow),
        "tables": [
            table
            for table in (
                conduct_tables.baseline(saved.baseline, labels, sizes),
                conduct_tables.allocation(saved.allocation, labels),
                conduct_tables.treatment(summary.arms),
                conduct_tables.waiting(saved.waiting),
                conduct_tables.harm(saved.harm, labels),
                conduct_tables.intercurrent(saved.intercurrent, labels),
            )
            if table is not None
        ],
        "guided": guided_orders(protocol, saved.biomarkers),
        "stories": patient_stories(saved.stories),
        "parameters": parameter_tables(protocol),
        "confidence": confidence(protocol),
        "manifest": manifest,
        "command": manifest.command,
    }
    truth: Truth = "cells" if protocol.has_cells else "distributions"
    return _page(saved.analysis, truth, context)


def _arms_in_words(protocol: ResolvedProtocol) -> list[tuple[str, int, list[str]]]:
    """Label, number and lines of each arm: what it gives, or the distribution of its event times."""
    return [
        (arm.label, i, arm_words(protocol, arm) if arm.model is None else [model_words(protocol, arm.model)])
        for i, arm in enumerate(protocol.arms.values())
    ]


def analyse_page(analysis: SurvivalAnalysis, title: str, command: str) -> str:
    """The page reduced to its survival parts, for data that were never simulated.

    ``analysis`` is what `trialsim.analysis.analyse` returns; ``command`` is printed as the way to make the page again.
    """
    context: dict[str, object] = {"title": title, "subtitle": "", "protocol": None, "command": command}
    return _page(analysis, "", context)


def environment() -> Environment:
    """Where templates are found, and how they are read."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["whole"] = keep_whole
    found.filters["series"] = series_token
    return found


def keep_whole(text: str) -> Markup:
    """Text for a heading, in which a line does not end within a short word with a hyphen (ddAC-T, R-CHOP)."""
    from markupsafe import Markup, escape

    whole = Markup('<span class="whole">{}</span>')
    words = (whole.format(word) if "-" in word and len(word) <= _SHORT else escape(word) for word in text.split(" "))
    return Markup(" ").join(words)


def _page(analysis: SurvivalAnalysis, truth: Truth, context: dict[str, object]) -> str:
    templates = environment()
    figures: dict[str, Figure] = {}

    def place(figure: Figure, width: int = 860) -> str:
        """Registers a figure for the script and returns its static drawing."""
        figures[figure.name] = figure
        return draw(figure, width)

    templates.globals.update(place=place, figure_data=lambda: _embedded(figures))
    return templates.get_template("page.html.j2").render(
        **context,
        analysis=analysis,
        verdicts=verdicts(analysis),
        looks=looks_parts(analysis),
        enrichment=_enrichment(analysis),
        looks_words=looks_words(analysis),
        simulated=bool(truth),
        truth=truth_sentence(truth),
        survival=survival_parts(analysis),
        style=page_style(),
        script=(HERE / "assets" / "page.js").read_text(encoding="utf-8"),
        plotly=(HERE / "assets" / "plotly-basic.min.js").read_text(encoding="utf-8"),
    )


def _enrichment(analysis: SurvivalAnalysis) -> tuple[list[str], Table] | None:
    """Words and table of a trial that may go on in a subgroup."""
    found = analysis.enrichment
    return None if found is None else (enrichment_words(found, analysis.alpha), enrichment_table(found))


def page_style() -> str:
    """The page's CSS, with both themes."""
    light, dark = css_variables(LIGHT), css_variables(DARK)
    themes = (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{light}}}}}\n"
    )
    return themes + (HERE / "assets" / "page.css").read_text(encoding="utf-8")


def _embedded(figures: Mapping[str, Figure]) -> str:
    """The figures as JSON that cannot end the script element it stands in."""
    data = {name: figure.embedded() for name, figure in figures.items()}
    raw = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return raw.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
