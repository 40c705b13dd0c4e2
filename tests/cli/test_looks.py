"""A group-sequential trial from the command line: its files, its page, and the compiled replicates beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from tests.cli.test_conventional import COHORT
from trialsim.cli import cli
from trialsim.conduct import conduct_trial
from trialsim.designs import replicate_kernel as kernel
from trialsim.designs.boundaries import Futility, by_spending
from trialsim.designs.enrichment import EventsAndZ, combined, stage_z
from trialsim.designs.promising import weighted_z
from trialsim.designs.spending import parse_spending
from trialsim.endpoints import primary_event
from trialsim.looks import Monitor
from trialsim.patient.cohort import traits_of_trial
from trialsim.records import EventKind
from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.treatment.library import load_library

PROTOCOL = """\
trialsim: 1
name: sequential
cohort: cohort.yaml
arms:
  control: {label: Standard, model: {kind: exponential, median: 24 mo}}
  new: {label: New drug, model: {kind: relative, to: control, hazard_ratio: 0.6}}
randomisation: {strata: [sex]}
accrual: {patients: 400, per_month: 17}
follow_up: {cut: {events: 240}, dropout: 4 %/yr}
analysis:
  looks: {at: [50 %, 75 %, 1], futility: {beta: 10 %}, hazard_ratio: 0.7}
"""
COHORT_OF_BOTH = COHORT.replace(
    "sex: {value: female, source", "sex: {distribution: categorical, probabilities: {female: 0.6, male: 0.4}, source"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sequential")
    (folder / "cohort.yaml").write_text(COHORT_OF_BOTH)
    (folder / "protocol.yaml").write_text(PROTOCOL)
    return folder


def ran(place: Path, *words: str, seed: int) -> tuple[dict[str, Any], Path]:
    out = place / f"out-{seed}-{len(words)}"
    command = ["run", str(place / "protocol.yaml"), "--seed", str(seed), "--out", str(out), "--quiet", *words]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    return json.loads((out / "results.json").read_text())["analysis"]["looks"][0], out


def test_a_trial_that_stops(place: Path) -> None:
    """Results, event log, tables and page tell of the same stop. Catches a verdict by alpha and not by the boundary."""
    looks, out = ran(place, seed=3)
    assert looks["stopped_early"]
    last = looks["looks"][-1]
    assert (last["decision"], looks["decision"]) == ("efficacy", "efficacy")
    assert last["z"] >= last["upper"] > 2.2
    events = pd.read_csv(out / "events.csv", keep_default_na=False)
    told = events[events["kind"] == "look"]["detail"].tolist()
    bounds = f"{last['lower']:.3f} and {last['upper']:.3f}"
    assert told[-1] == f"look {last['look']}: {last['events']} events, z {last['z']:.3f} against {bounds}: efficacy"
    assert events["day"].max() == pytest.approx(last["day"], abs=1e-4)
    adtte = pd.read_csv(out / "adtte.csv")
    assert (adtte[adtte["PARAMCD"] == "RFS"]["CNSR"] == 0).sum() == last["events"]
    page = (out / "report.html").read_text()
    assert "Stopped early at look" in page
    assert "Superiority shown" in page
    assert "stop: efficacy" in page
    assert looks["adjusted"]["p"] < 0.025
    unbiased, plain = looks["adjusted"]["hazard_ratio"], last["hazard_ratio"]
    assert plain["estimate"] < unbiased["estimate"] < unbiased["upper"] < 1.0


def test_a_trial_that_goes_to_its_end(place: Path) -> None:
    """No effect: futility or the end, never a claim. Catches a last look that is lost, a number that is skipped."""
    same = ("--set", "arms.new.model.hazard_ratio=1", "--set", "analysis.looks.futility.beta=1 %")
    looks, out = ran(place, *same, seed=4)
    assert looks["decision"] in ("not shown", "futility")
    assert [look["look"] for look in looks["looks"]] == list(range(1, len(looks["looks"]) + 1))
    assert looks["looks"][0]["conditional_power"]["planned"] is not None
    assert "superiority not shown" in (out / "report.html").read_text()


def test_looks_are_told_before_the_trial_runs(place: Path) -> None:
    """Catches a design that ``describe`` keeps to itself."""
    result = CliRunner().invoke(cli, ["describe", str(place / "protocol.yaml")])
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    assert "looks at 120 and 180 of 240 events" in words
    assert "obrien-fleming" in words


def protocol_of(place: Path, *overrides: str) -> ResolvedProtocol:
    return load_protocol(place / "protocol.yaml", load_library(), overrides)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("test", ["logrank", "stratified_logrank"])
def test_compiled_replicates_come_to_the_same(place: Path, seed: int, test: str) -> None:
    """The same patients in the calendar and in compiled arrays: the same cuts, events, z and decisions at every look.

    The draws are those of a trial that is never stopped. Catches a cut at another instant, a patient at risk in one of
    the two only, a stratum or a boundary mixed up, whole days in one and exact ones in the other.
    """
    protocol = protocol_of(place, f"analysis.test={test}")
    whole = protocol_of(place, "follow_up.cut={date: 60 yr, no_later_than: 61 yr}", "analysis.looks=null")
    traits = traits_of_trial(protocol, seed=seed)
    monitor = Monitor(protocol)

    def run(rules: ResolvedProtocol, interim: Any) -> Any:
        return conduct_trial(
            rules, seed=seed, traits=traits, new_course=None,  # type: ignore[arg-type]
            has_event=primary_event(rules), interim=interim,
        )  # fmt: skip

    trial, drawn = run(protocol, monitor.interim), run(whole, None)
    told = [event for event in trial.events if event.kind is EventKind.LOOK]
    names = list(protocol.arms)
    sexes = {"female": 0, "male": 1} if test == "stratified_logrank" else {"female": 0, "male": 0}
    patients = drawn.patients
    entry = np.array([p.randomised_day for p in patients])
    event = np.array([p.relapse.detected if p.relapse else np.inf for p in patients])
    loss = np.array([p.last_contact if p.relapse is None else np.inf for p in patients])
    arm = np.array([names.index(p.arm) for p in patients])
    stratum = np.array([sexes[str(p.traits["sex"])] for p in patients])
    design = by_spending(
        [0.5, 0.75, 1.0],
        0.025,
        1,
        parse_spending("obrien-fleming"),
        Futility(0.1, parse_spending("hwang-shih-decani(-2)")),
    )
    found = np.full((3, 3), np.nan)
    at_looks = (np.array([120, 180, 240]), np.zeros(3), np.full(3, np.inf))
    rules = (*at_looks, np.array(design.upper), np.array(design.lower), 1, True, len(set(sexes.values())), 0.0, 0.0)
    looks, ended = kernel.look_at(kernel.Trial(entry, arm, stratum, event, loss), kernel.LookRules(*rules), found)
    stopped = trial.cut_by.startswith("look")
    assert stopped == (ended in (kernel.EFFICACY, kernel.FUTILITY) and looks < 3)
    assert looks == len(told) + (not stopped)
    for at, look in enumerate(told):
        assert found[at, kernel.CUT] == look.day
        assert found[at, kernel.EVENTS] == monitor._comparisons[0].results[at].events
        assert found[at, kernel.Z] == pytest.approx(monitor._comparisons[0].results[at].z, abs=1e-10)
    if stopped:
        words = {kernel.EFFICACY: "efficacy", kernel.FUTILITY: "futility"}[ended]
        assert told[-1].detail.endswith(words)
    assert found[looks - 1, kernel.CUT] == trial.cut_day


def test_several_arms_share_alpha(place: Path) -> None:
    """Three arms and a control: a part for each on the page, levels of Holm, an arm closed for futility. Catches alpha
    given whole to each, looks of an arm that is decided, and a trial that stops while one is open."""
    text = (
        PROTOCOL.replace(
            "randomisation:",
            "  idle: {label: Idle, model: {kind: relative, to: control, hazard_ratio: 1.3}}\n"
            "  other: {label: Other, model: {kind: relative, to: control, hazard_ratio: 0.75}}\nrandomisation:",
        )
        .replace("patients: 400, per_month: 17", "patients: 800, per_month: 20")
        .replace("events: 240", "events: 480")
    )
    (place / "arms.yaml").write_text(text)
    out = place / "arms"
    command = ["run", str(place / "arms.yaml"), "--seed", "2", "--out", str(out), "--quiet"]
    command += ["--set", "arms.new.model.hazard_ratio=0.5"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    parts = {part["arm"]: part for part in json.loads((out / "results.json").read_text())["analysis"]["looks"]}
    assert set(parts) == {"new", "idle", "other"}
    assert parts["idle"]["decision"] == "futility"
    assert parts["new"]["decision"] == "efficacy"
    for part in parts.values():
        assert part["looks"][0]["level"] in (pytest.approx(0.025 / 3), pytest.approx(0.0125))
        assert part["planned"]["alpha"] == pytest.approx(0.025 / 3)
        assert all(look["decision"] == "continue" for look in part["looks"][:-1])
    stopped = parts["idle"]["looks"][-1]["day"]
    adsl = pd.read_csv(out / "adsl.csv")
    events = pd.read_csv(out / "events.csv")
    randomised = events[events["kind"] == "randomised"]
    assert randomised[randomised["day"] > stopped]["arm"].ne("idle").all()
    assert (adsl["ARM"] == "idle").sum() > 50
    page = (out / "report.html").read_text()
    assert "Holm" in page
    for label in ("New drug", "Idle", "Other"):
        assert f"{label} against Standard" in page


PROMISING = ("--set", "analysis.looks={at: [50 %, 1], re_estimate: {power: 90 %}}", "--set", "follow_up.cut.events=160")


def test_a_promising_look_raises_the_events(place: Path) -> None:
    """Found among 8 seeds of a weaker effect: the trial waits for the raised number, tests with the planned weights,
    and says so. Catches a cut that stays, a plain z against the planned boundary, a hazard ratio read off that z."""
    for seed in range(8):
        looks, out = ran(place, *PROMISING, "--set", "arms.new.model.hazard_ratio=0.75", seed=seed)
        first, last = looks["looks"][0], looks["looks"][-1]
        if first["raised_to"]:
            break
    assert 160 < first["raised_to"] <= 240
    assert last["events"] == first["raised_to"]
    weights = weighted_z(0.5, (80, first["z"]), (last["events"], last["plain_z"]))
    assert last["z"] == pytest.approx(weights, abs=1e-12)
    assert last["z"] != pytest.approx(last["plain_z"], abs=1e-6)
    assert last["upper"] == pytest.approx(by_spending([0.5, 1.0], 0.025, 1, parse_spending("obrien-fleming")).upper[1])
    assert looks["adjusted"]["hazard_ratio"] is None
    events = pd.read_csv(out / "events.csv", keep_default_na=False)
    assert f"continue to {first['raised_to']} events" in events[events["kind"] == "look"]["detail"].tolist()[0]
    assert f"{first['raised_to']} events" in events[events["kind"] == "data cut"]["detail"].tolist()[0]
    page = (out / "report.html").read_text()
    assert "Events raised to" in page
    assert f"{last['events']} of {first['raised_to']} (raised from 160) events" in page


def test_later_patients_go_to_the_better_arm(place: Path) -> None:
    """A slow accrual and an early look: the shares are told and kept. Catches a look that shifts nobody."""
    looks_of = "analysis.looks={at: [20 %, 1], favour: {floor: 15 %}}"
    values = (looks_of, "arms.new.model.hazard_ratio=0.4", "accrual.per_month=6")
    words = [word for value in values for word in ("--set", value)]
    looks, out = ran(place, *words, seed=1)
    first = looks["looks"][0]
    assert 0.5 < first["share"] <= 0.85
    events = pd.read_csv(out / "events.csv", keep_default_na=False)
    told = events[events["kind"] == "look"]["detail"].tolist()[0]
    assert f"new {100 * first['share']:.0f} %" in told
    randomised = events[(events["kind"] == "randomised") & (events["day"] > first["day"])]
    number = len(randomised)
    assert number > 100
    seen, share = (randomised["arm"] == "new").sum(), first["share"]
    assert abs(seen - number * share) < 5 * (number * share * (1 - share)) ** 0.5
    assert "Later patients to this arm" in (out / "report.html").read_text()


ENRICHING = {
    "analysis.looks": "{at: [50 %, 1], enrich: {factor: sex, level: female}}",
    "follow_up.cut.events": "200",
    "accrual": "{patients: 360, per_month: 8}",
    "arms.new.model.hazard_ratio": "0.8",
}


def enriched_run(place: Path, seed: int) -> tuple[dict[str, Any], Path]:
    out = place / f"enrich-{seed}"
    command = ["run", str(place / "protocol.yaml"), "--seed", str(seed), "--out", str(out), "--quiet"]
    command += [word for key, value in ENRICHING.items() for word in ("--set", f"{key}={value}")]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    return json.loads((out / "results.json").read_text())["analysis"]["enrichment"], out


def test_a_trial_that_goes_on_in_a_subgroup(place: Path) -> None:
    """Some of 12 seeds go on in the subgroup and some in all. Catches others who are enrolled after the look, a trial
    that then is too small, an analysis of the subgroup alone, and z of stages that are not those of the data."""
    seen = {}
    for seed in range(12):
        found, out = enriched_run(place, seed)
        seen[found["enriched"]] = found, out
        if len(seen) == 2:
            break
    for enriched, (found, out) in seen.items():
        events = pd.read_csv(out / "events.csv", keep_default_na=False)
        adsl = pd.read_csv(out / "adsl.csv")
        assert len(adsl) == 360
        sex = dict(zip(adsl["USUBJID"], adsl["SEX"], strict=True))
        later = events[(events["kind"] == "randomised") & (events["day"] > found["look_day"])]
        assert len(later) > 30
        assert ((later["USUBJID"].map(sex) == "F").all()) == enriched
        away = events[events["kind"] == "excluded"]
        assert (len(away) > 20) == enriched
        assert set(away["detail"]) <= {"sex male is closed"}
        assert away["day"].gt(found["look_day"]).all()
        populations = found["populations"]
        assert (populations["others"]["look"]["hazard_ratio"] > 0.9) == enriched
        for when in ("look", "end"):
            parts = [populations[name][when]["events"] for name in ("subgroup", "others", "all")]
            assert parts[0] + parts[1] == parts[2]
        assert populations["all"]["end"]["events"] == 200
        for name in ("all", "subgroup"):
            first, last = (
                EventsAndZ(populations[name][w]["events"], populations[name][w]["z"]) for w in ("look", "end")
            )
            together = combined(0.5, first.z, stage_z(first, last))
            assert populations[name]["combined_z"] == pytest.approx(together, abs=1e-12)
        assert not (enriched and found["claims"]["all"])
        page = (out / "report.html").read_text()
        assert ("went on in female alone" in page) == enriched
        assert "closed testing" in page
    assert set(seen) == {True, False}


def test_enrichment_that_does_not_happen_enrols_as_if_it_were_not_there(place: Path) -> None:
    """The patients are those of the trial without it. Catches arrivals that come on other days for being more."""
    found, out = next((f, o) for f, o in (enriched_run(place, seed) for seed in range(12)) if not f["enriched"])
    seed = int(out.name.removeprefix("enrich-"))
    plain = place / "plain"
    command = ["run", str(place / "protocol.yaml"), "--seed", str(seed), "--out", str(plain), "--quiet"]
    values = ENRICHING | {"analysis.looks": "null"}
    command += [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
    assert CliRunner().invoke(cli, command).exit_code == 0
    assert (plain / "adsl.csv").read_text() == (out / "adsl.csv").read_text()
    # The log has who was screened, too, so that its rows have other numbers.
    one, other = (pd.read_csv(folder / "adtte.csv").drop(columns="SRCSEQ") for folder in (plain, out))
    pd.testing.assert_frame_equal(one, other)
    assert found["bound"] == pytest.approx(1.959964, abs=1e-6)
