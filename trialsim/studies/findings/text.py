"""The results of findings as text for a terminal, and as a page of the docs. Both only render what was saved."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.reported.studies import FindingGroup, FindingResult, FindingsRun, MeasureResult
from trialsim.text_table import columns


def as_text(results: FindingsRun) -> str:
    """Every finding with its measures, then the count."""
    lines: list[str] = []
    for finding in results.findings:
        mark = "pass       " if finding.result == "pass" else "falls short"
        lines.append(f"{mark}  {finding.id}  {finding.title}{' (null result)' if finding.null else ''}")
        table = [("", "published", "simulated (95 %)", "window")]
        for row in finding.measures:
            table.append((row.label, row.published or "-", row.told, row.window or "not judged"))
        lines += columns(table, " " * 13)
        if finding.reason:
            lines.append(f"{'':13}Falls short: {finding.reason}.")
        if finding.why:
            lines.append(f"{'':13}Why: {finding.why.strip()}")
        lines.append(f"{'':13}{finding.source}")
        lines.append("")
    lines.append(f"{results.passed} of {results.total} findings pass.")
    return "\n".join(lines)


def as_page(results: FindingsRun) -> str:
    """docs/findings.md."""
    findings = results.findings
    lines = [
        "# Findings",
        "",
        "Published experiments, run again in the simulator: what was published beside what is simulated. **"
        f"{results.passed} of {results.total} pass** (seed {results.seed}). Intervals are 95 % Monte-Carlo "
        "intervals over simulated subjects: they tell how far another seed might be off, not how far the model's "
        "numbers may be. The windows were given before anything was run; where the words of one leave open what is to "
        "be computed, the rule says how it was read. A quantity without a window is shown and not judged. Doses in "
        "mice are written as their human equivalents (mg/kg times 3 is mg/m2).",
        "",
        "Where a finding has *twins*, the same virtual subjects are simulated in every one of its groups, and the "
        "intervals are those of subjects resampled together. That shows effects which the experiment itself, with ten "
        "animals a group, never could: a pass then says that the model has the published direction, not that it has "
        "the published size. The notes tell where the size is far off, and where a pass hangs on the twins.",
        "",
    ]
    rows = [
        (
            f"[{f.id}](#{anchor(f'{f.id} {f.title}')})",
            f.title + (" (null result)" if f.null else ""),
            f.published,
            "<br>".join(f"{m.label}: {m.told}" for m in f.measures if m.window),
            "<br>".join(m.window for m in f.measures if m.window),
            f.result if f.result == "pass" else f"**{f.result}**",
            f.kind,
        )
        for f in findings
    ]
    head = ("", "finding", "published", "simulated (95 %)", "window", "result", "")
    lines += ["## All findings", "", *table(head, rows)]
    lines += ["## What was set by which finding", ""]
    lines += _set_by(findings)
    lines += ["## Each finding", ""]
    for finding in findings:
        lines += _section(finding)
    lines.append("Written by `trialsim findings --write docs/findings.md`.")
    return "\n".join(lines) + "\n"


def _set_by(findings: Sequence[FindingResult]) -> list[str]:
    def rows(key: str) -> list[tuple[str, ...]]:
        return [
            (f.id, *(str(getattr(item, k)) for k in ("parameter", "value", "where", "why")))
            for f in findings
            for item in getattr(f, key)
        ]

    predicted = ", ".join(f.id for f in findings if f.kind == "predicted") or "none"
    head = ("finding", "number", "value", "where", "why")
    return [
        "Chosen by looking at how the re-run came out (*set*):",
        "",
        *table(head, rows("set_here")),
        "Numbers of the library that have the same paper for a source, so that its direction at least was known to the "
        "model (*built in*, where nothing was set):",
        "",
        *table(head, rows("rests_on")),
        f"Neither, and so predicted: {predicted}.",
        "",
    ]


def _section(finding: FindingResult) -> list[str]:
    lines = [
        f"### {finding.id} {finding.title}",
        "",
        f"{finding.experiment}. {finding.source} (evidence: {finding.evidence}).",
        "",
        f"Published: {finding.published}. Window: {finding.acceptance}.",
        "",
    ]
    if finding.twins:
        lines += ["Groups: twins.", ""]
    for key, label in (("rule", "Rule"), ("assumed", "Assumed"), ("note", "Note")):
        if getattr(finding, key):
            lines += [f"{label}: {getattr(finding, key).strip()}", ""]
    rows = [
        (row.label, row.published or "-", row.told, row.window or "not judged", _met(row)) for row in finding.measures
    ]
    lines += table(("quantity", "published", "simulated (95 %)", "window", ""), rows)
    if finding.reason:
        lines += [f"**Falls short:** {finding.reason}. {finding.why.strip()}".rstrip(), ""]
    lines += table(("group", "protocol", "arm", "subjects", "set"), [_group_row(*g) for g in finding.groups.items()])
    return lines


def _group_row(name: str, group: FindingGroup) -> tuple[str, ...]:
    words = [f"`{item}`" for item in group.set]
    if group.plated is not None:
        words.append("plated: " + ", ".join(f"{k} {v}" for k, v in group.plated.items()))
    path = f"[{group.protocol}](../protocols/findings/{group.protocol}.yaml)"
    return name, path, group.arm, str(group.subjects), "<br>".join(words) or "-"


def _met(row: MeasureResult) -> str:
    return "" if row.met is None else "yes" if row.met else "**no**"


def anchor(heading: str) -> str:
    """The address of a heading within the page, as code hosts make it."""
    return "".join(c for c in heading.lower() if c.isalnum() or c in " -_").replace(" ", "-")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A table in Markdown."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    return [line(head), line(tuple("---" for _ in head)), *map(line, rows), ""]
