"""Writes docs/protocols/ from runs: ``python -m benchmarks.protocols [NAME...]``.

A page for each protocol that ships: what it asks, what is given when, what becomes of the same patients under every
arm, and whether that is what the literature says. Every number is computed here, and kept in
docs/protocols/results.json, from which ``--render`` writes the pages again without a run. Takes about ten minutes on
two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claims import CASES, LESS, LONGER, NONE, OF_NAVITOCLAX, TUMOUR_ALONE, Case, Claim, Gain
from benchmarks.rows import row_of, told
from trialsim.report.describe import describe_arms
from trialsim.report.estimand import arm_words
from trialsim.results import to_json
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.studies.contrasts import contrast, gap, outcomes, study
from trialsim.studies.findings.text import table
from trialsim.studies.twins import Twins, Under, live_under
from trialsim.treatment.library import load_library

ROOT = Path(__file__).parents[1]
PROTOCOLS = ROOT / "protocols"
PAGES = ROOT / "docs" / "protocols"
RESULTS = PAGES / "results.json"
SEED = 20261125

Row = dict[str, Any]
_OTHERWISE, _NO_LESS = "cannot be told apart from none", "cannot be told apart from as much"
_ALONE = "by senescent tumour cells alone"
AS_IT_IS = "as it is"


def case_of(name: str) -> Case:
    return next(case for case in CASES if case.protocol == name)


def load(name: str, overrides: tuple[str, ...] = ()) -> ResolvedProtocol:
    return load_protocol(PROTOCOLS / f"{name}.yaml", load_library(), overrides)


def verdict(found: Row, direction: str) -> str:
    """Whether the interval of days gained lies on the side that was claimed; for no effect, whether it holds 0; for
    less than another gain, whether the interval of the difference lies below 0."""
    days = found["less"] if direction == LESS else found["days_gained"]
    if days["lower"] <= 0.0 <= days["upper"]:
        return {NONE: "agrees", LESS: _NO_LESS}.get(direction, _OTHERWISE)
    longer = days["value"] > 0.0
    return "agrees" if direction != NONE and longer == (direction == LONGER) else "does not agree"


def measure(case: Case, jobs: int) -> Row:
    """Run a protocol, and again with each of its switches; JSON-ready."""
    protocol = load(case.protocol)
    twins = _Twins(case, jobs)
    rows = {AS_IT_IS: (), **{switch.words: switch.set for switch in case.switches}}
    twins.live([((), arm) for arm in protocol.arms])
    twins.live([under for claim in case.claims for sets in rows.values() for under in _unders(claim, sets)])
    return {
        **{key: own for key, own in row_of(study(protocol, case.patients, SEED, {})).items() if key != "unused"},
        **row_of(outcomes(protocol, {arm: twins.of((), arm) for arm in protocol.arms})),
        "claims": [twins.judged(claim, claim.gain.set) for claim in case.claims],
        "switched": {words: [twins.judged(claim, sets) for claim in case.claims] for words, sets in rows.items()},
    }


Setting = tuple[tuple[str, ...], str]
"""What is set, and the arm."""


def _unders(claim: Claim, sets: tuple[str, ...]) -> list[Setting]:
    """Whom a claim compares, with something set: its arms, those of what it is less than, and its own conditions."""
    unders = [(sets, claim.arm), (sets, claim.against)]
    if claim.than is not None:
        also = (*sets, *claim.than.set)
        unders += [(also, claim.than.arm), (also, claim.than.against)]
    return [*unders, (claim.gain.set, claim.arm), (claim.gain.set, claim.against)]


class _Twins:
    """The twins of a case. Those that what is set leaves as they were are lived once."""

    def __init__(self, case: Case, jobs: int) -> None:
        self._case, self._jobs = case, jobs
        self._protocol = load(case.protocol)
        self._lived: dict[Setting, Twins] = {}

    def live(self, wanted: Sequence[Setting]) -> None:
        """Live whom nobody has lived yet."""
        new = [at for at in dict.fromkeys(self._own(*setting) for setting in wanted) if at not in self._lived]
        variants = {sets: load(self._case.protocol, sets) for sets, _ in new}
        unders: list[Under] = [(variants[sets], arm) for sets, arm in new]
        lived = live_under(unders, self._case.patients, seed=SEED, jobs=self._jobs)
        self._lived |= dict(zip(new, lived, strict=True))

    def of(self, sets: tuple[str, ...], arm: str) -> Twins:
        return self._lived[self._own(sets, arm)]

    def judged(self, claim: Claim, sets: tuple[str, ...]) -> Row:
        """What a claim's arm gains with something set, and how much less than what it is held against."""
        until = self._protocol.follow_up.minimum_days
        pair = self.of(sets, claim.arm), self.of(sets, claim.against)
        row = row_of(contrast(*pair, until))
        if claim.than is not None:
            also = (*sets, *claim.than.set)
            other = self.of(also, claim.than.arm), self.of(also, claim.than.against)
            row["less"] = row_of(gap(pair, other, until))
            row["than"] = row_of(contrast(*other, until).days_gained)
        return row

    def _own(self, sets: tuple[str, ...], arm: str) -> Setting:
        drug_alone = all(words.startswith(OF_NAVITOCLAX) for words in sets)
        return ((), arm) if drug_alone and not gives(self._protocol, arm, "navitoclax") else (sets, arm)


def gives(protocol: ResolvedProtocol, arm: str, agent: str) -> bool:
    return any(order.agent == agent for order in protocol.arms[arm].orders)


def page(case: Case, found: Row) -> str:
    """A protocol's page, from what `measure` found."""
    protocol = load(case.protocol)
    lines = [
        f"# {protocol.title}",
        "",
        f"[protocols/{case.protocol}.yaml](../../protocols/{case.protocol}.yaml) · [all protocols](README.md). "
        "Generated by `python -m benchmarks.protocols`; every number comes from a run.",
        "",
        protocol.description,
        "",
        *_head_comment(case.protocol),
        "## Arms",
        "",
        *table(
            ("arm", "", "what is given"),
            [
                (f"`{name}`", arm.label, "<br>".join(arm_words(protocol, arm)) or "no treatment")
                for name, arm in protocol.arms.items()
            ],
        ),
        f"Patients: {protocol.cohort.title} (`{protocol.cohort.name}`).",
        "",
        "## Timeline",
        "",
        "```text",
        describe_arms(protocol),
        "```",
        "",
        "## What becomes of the same patients under every arm",
        "",
        *_outcomes(found),
        "## What the literature says",
        "",
        *_claims(case, found),
        "## What it goes through",
        "",
        case.why,
        "",
        *_through(case, found),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _head_comment(name: str) -> list[str]:
    """The comment at the head of the file, as paragraphs."""
    text = (PROTOCOLS / f"{name}.yaml").read_text(encoding="utf-8").split("\ntrialsim:")[0]
    lines = [line.removeprefix("#").removeprefix(" ") for line in text.splitlines() if line.startswith("#")]
    blocks = "\n".join(lines).split("\n\n")
    return [line for block in blocks[1:] for line in (_joined(block), "")]


def _joined(block: str) -> str:
    """A paragraph on one line; a list of commands stays as it is."""
    lines = block.splitlines()
    return "\n".join(f"    {line.strip()}" if line.startswith("  ") else line for line in lines)


def _outcomes(found: Row) -> list[str]:
    head = ("arm", "relapsed, % (95 %)", "days without relapse (95 %)", "platelets < 50e9/L, %", "causes of relapse")
    rows = [
        (
            f"`{name}`",
            told(arm["relapsed_percent"]),
            told(arm["relapse_free_days"]),
            told(arm["grade34_thrombocytopenia_percent"]),
            ", ".join(f"{cause} {count}" for cause, count in arm["causes"].items()),
        )
        for name, arm in found["arms"].items()
    ]
    against = [
        (f"`{name}`", told(of["days_gained"]), told(of["relapses_averted"]), str(of["saved"]), str(of["harmed"]))
        for name, of in found["contrasts"].items()
    ]
    reference = f"against `{found['reference']}`"
    command = f"trialsim twins protocols/{found['protocol']}.yaml --patients {found['patients']} --seed {found['seed']}"
    return [
        f"{found['patients']:,} patients, each under every arm, up to {found['months']:g} months; nobody is lost or "
        f"dies of other causes (`{command}`). Intervals tell the Monte-Carlo error alone, not how far the model's "
        "numbers may be off.",
        "",
        *table(head, rows),
        *table((reference, "days gained (95 %)", "relapses averted of 100 (95 %)", "saved", "harmed"), against),
    ]


def _claims(case: Case, found: Row) -> list[str]:
    rows = [
        (
            claim.says,
            claim.source,
            _direction(claim),
            told(of["days_gained"]),
            told(of["relapses_averted"]),
            told(of["less"]) if claim.direction == LESS else "",
            *_verdicts(case, found, at),
        )
        for at, (claim, of) in enumerate(zip(case.claims, found["claims"], strict=True))
    ]
    head = (
        "claim",
        "source",
        "direction",
        "days gained (95 %)",
        "relapses averted of 100 (95 %)",
        "against the other gain, days (95 %)",
        "here",
        _ALONE,
    )
    return table(head, rows)


def _direction(claim: Claim) -> str:
    than = f" than {_gain(claim.than)}" if claim.than is not None else ""
    return f"{_gain(claim.gain)}: {claim.direction}{than}"


def _gain(gain: Gain) -> str:
    where = f", where {gain.under.words}" if gain.under is not None else ""
    return f"`{gain.arm}` against `{gain.against}`{where}"


def _verdicts(case: Case, found: Row, at: int) -> tuple[str, str]:
    """Whether a claim is met, and whether it still is where navitoclax kills senescent tumour cells alone."""
    claim, protocol = case.claims[at], load(case.protocol)
    whole = _marked(verdict(found["claims"][at], claim.direction))
    alone = found["switched"].get(TUMOUR_ALONE.words)
    asked = claim.under is None and any(gives(protocol, arm, "navitoclax") for arm in (claim.arm, claim.against))
    if alone is None or not asked:
        return whole, ""
    return whole, _marked(verdict(alone[at], claim.direction))


def _marked(words: str) -> str:
    return words if words == "agrees" else f"**{words}**"


def _through(case: Case, found: Row) -> list[str]:
    """Days gained by each pair of arms of the claims with something switched off, in the same patients."""
    pairs = dict.fromkeys((claim.arm, claim.against) for claim in case.claims)
    first = [next(at for at, c in enumerate(case.claims) if (c.arm, c.against) == pair) for pair in pairs]
    head = ("", *(f"`{arm}` against `{against}`" for arm, against in pairs))
    rows = [(words, *(told(judged[at]["days_gained"]) for at in first)) for words, judged in found["switched"].items()]
    settings = [f"{s.words}: `{' '.join(s.set)}`" for s in case.switches]
    lines = ["Days gained (95 %) with something switched off:", "", *table(head, rows)]
    return [*lines, f"Set for that (`--set`): {'; '.join(settings)}.", ""]


def index(results: Mapping[str, Row]) -> str:
    """docs/protocols/README.md."""
    rows = [
        (
            f"[{case.protocol}]({case.protocol}.md)",
            load(case.protocol).title,
            _direction(claim),
            told(results[case.protocol]["claims"][at]["days_gained"]),
            *_verdicts(case, results[case.protocol], at),
        )
        for case in CASES
        for at, claim in enumerate(case.claims)
    ]
    agreed = sum(row[-2] == "agrees" for row in rows)
    asked = [row[-1] for row in rows if row[-1]]
    lines = [
        "# Protocols that ship",
        "",
        "Generated by `python -m benchmarks.protocols`; every number comes from a run.",
        "",
        "Each page tells what a protocol asks, what is given when, what becomes of the same patients under every arm, "
        "whether that is what the literature says, and what the effect goes through in the model. A claim agrees when "
        "the 95 % interval of the days gained lies on the side that the source says; of no effect, when it holds 0 "
        "under the source's conditions; of less than another gain, when the interval of the difference lies below 0. "
        f"**{agreed} of {len(rows)} agree.** Agreement is of the direction alone: most sources are of mice or dishes "
        "and give no size that would hold for patients, and some of these gains are of less than a day in years. So "
        "many patients are simulated that half a day shows; a trial could not see it.",
        "",
        "A direction can be right for another reason than the source's. Navitoclax also clears the host's senescent "
        "stroma; the last column tells whether the claim is met where it kills senescent tumour cells alone: "
        f"**{asked.count('agrees')} of {len(asked)}**. Where either column does not agree, the page says why.",
        "",
        *table(("protocol", "", "claim", "days gained (95 %)", "here", _ALONE), rows),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/protocols/ from runs.")
    parser.add_argument("names", nargs="*", help="Protocols; without any, all of them.")
    parser.add_argument("--render", action="store_true", help="Write the pages from results.json, without a run.")
    words = parser.parse_args()
    PAGES.mkdir(exist_ok=True)
    results: dict[str, Row] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for case in [] if words.render else [case_of(name) for name in words.names] or CASES:
        results[case.protocol] = measure(case, os.cpu_count() or 1)
        RESULTS.write_text(to_json(dict(sorted(results.items()))), encoding="utf-8")
        sys.stdout.write(f"ran {case.protocol}\n")
        sys.stdout.flush()
    for case in CASES:
        (PAGES / f"{case.protocol}.md").write_text(page(case, results[case.protocol]), encoding="utf-8")
    (PAGES / "README.md").write_text(index(results), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGES.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
