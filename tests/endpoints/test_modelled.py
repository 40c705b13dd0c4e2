"""What a protocol does not model is no number in any table: None, not 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.conduct.protocol_for_tests import protocol
from tests.endpoints.records_for_tests import NO_ESTIMATES, patient, relapse, trial_of
from tests.saved import read, saved
from trialsim.analysis import AnalysisPlan, SurvivalData, analyse
from trialsim.endpoints import adtte_frame, arm_summaries, harm_table, intercurrent_events, participant_flow
from trialsim.endpoints.modelled import only_modelled
from trialsim.report.conduct_tables import harm, intercurrent, treatment
from trialsim.report.flow import flow_boxes
from trialsim.reported.analysis import CauseOfRelapse, IncidenceSteps
from trialsim.reported.trial import ArmSummary, Harm, IntercurrentEvents
from trialsim.spec.resolved import Endpoint, ResolvedProtocol
from trialsim.spec.resolved_conduct import Intercurrent, NewTherapy
from trialsim.spec.resolved_model import EventModel, PiecewiseExponential

LAW = EventModel(law=PiecewiseExponential(rates=(0.001,), until_days=()))
UNTREATED = {"treated": False, "first_dose": None, "last_dose": None, "doses_planned": 0}
LABELS = {"control": "Control", "navitoclax": "Navitoclax"}


def with_law(primary: str) -> ResolvedProtocol:
    """The control's patients are event times of the endpoint; the other arm's have cells."""
    base = protocol(endpoint=Endpoint(primary=primary))
    control = base.arms["control"].model_copy(update={"orders": (), "model": LAW})
    return base.model_copy(update={"arms": base.arms | {"control": control}})


def immortal(base: ResolvedProtocol) -> ResolvedProtocol:
    laws = {sex: law.model_copy(update={"rate60_per_year": 0.0}) for sex, law in base.cohort.mortality.items()}
    return base.model_copy(update={"cohort": base.cohort.model_copy(update={"mortality": laws})})


def summary_of(given: ResolvedProtocol, *records: Any) -> dict[str, Any]:
    trial = trial_of(*records)
    return saved(arm_summaries(trial, given, adtte_frame(trial, given), NO_ESTIMATES))


def test_a_law_has_no_treatment_site_or_cause() -> None:
    """Catches noughts of local relapses, deaths, causes, doses and grades where a law gives one time and no more."""
    given = with_law("rfs")
    trial = trial_of(patient(1, relapse=relapse(), **UNTREATED), patient(2, **UNTREATED), patient(3, "navitoclax"))
    summary = summary_of(given, *trial.patients)
    assert summary["control"]["relapses"] == {"local": None, "distant": 1}
    assert summary["control"]["deaths_without_relapse"] is None
    assert summary["control"]["causes"] is None
    assert summary["control"]["dose_intensity"] is None
    assert summary["control"]["grade34_thrombocytopenia_percent"] is None
    assert summary["navitoclax"]["relapses"] == {"local": 0, "distant": 0}
    assert summary["navitoclax"]["deaths_without_relapse"] == 0
    assert summary["navitoclax"]["causes"] == {}
    flow = saved(participant_flow(trial, given))["arms"]
    boxes = ("started_treatment", "never_treated", "completed_treatment", "stopped_treatment", "on_treatment_at_cut")
    assert [flow["control"][box] for box in boxes] == [None] * 5
    assert (flow["control"]["relapsed"], flow["control"]["died_without_relapse"]) == (1, None)
    entry = saved(harm_table(trial, given))["control"]
    assert (entry["treated"], entry["stopped_for_toxicity"]) == (None, None)
    assert set(entry["doses"].values()) == set(entry["grades"].values()) == {None}


@pytest.mark.parametrize(
    ("primary", "lines"),
    [
        ("rfs", {"relapsed or died": "1"}),
        ("drfs", {"relapsed distantly or died": "1"}),
        ("ttr", {"relapsed": "1", "died without relapse": "0"}),
    ],
)
def test_the_diagram_says_what_an_event_of_a_law_is(primary: str, lines: dict[str, str]) -> None:
    """Catches "relapsed" for a time that is that of a death too, and "died without relapse 0" beside it."""
    given = with_law(primary)
    column, cells = flow_boxes(participant_flow(trial_of(patient(1, relapse=relapse(), **UNTREATED)), given)).columns
    boxes = {box.title: {line.words: line.shown for line in box.lines} for box in column.boxes}
    assert boxes["Treatment"] == {"doses": "not modelled"}
    assert boxes["Follow-up"] == {**lines, "withdrew": "0", "event-free at the data cut": "0"}
    assert next(iter(cells.boxes[1].lines)).words == "relapsed"


def test_a_law_of_survival_knows_no_relapse() -> None:
    """Catches relapses of 0, and deaths told as those without relapse."""
    given = with_law("os")
    died = patient(1, death_day=400.0, death_cause="any cause", **UNTREATED)
    summary = summary_of(given, died)["control"]
    assert summary["relapses"] == {"local": None, "distant": None}
    assert summary["deaths_without_relapse"] == 1
    column = flow_boxes(participant_flow(trial_of(died), given)).columns[0]
    assert next((line.words, line.shown) for line in column.boxes[1].lines) == ("died", "1")


def test_deaths_and_leaving_are_numbers_only_where_they_can_come() -> None:
    """Catches 0 deaths in a cohort without mortality, and 0 who withdrew where nobody can."""
    given = immortal(protocol())
    stays = given.follow_up.model_copy(update={"dropout_per_day": 0.0, "lost_per_day": 0.0})
    given = given.model_copy(update={"follow_up": stays})
    assert summary_of(given, patient(1))["control"]["deaths_without_relapse"] is None
    flow = participant_flow(trial_of(patient(1)), given)
    control = saved(flow)["arms"]["control"]
    assert (control["died_without_relapse"], control["withdrew"], control["lost"]) == (None, None, None)
    lines = {line.words: line.shown for line in flow_boxes(flow).columns[0].boxes[1].lines}
    assert lines["died without relapse"] == lines["withdrew"] == "not modelled"
    toxic = given.pharmacology.model_copy(update={"thrombocytopenic_death": 0.01})
    given = given.model_copy(update={"pharmacology": toxic})
    assert summary_of(given, patient(1))["control"]["deaths_without_relapse"] == 0


def test_neutropenia_has_its_key_in_every_arm() -> None:
    """Catches an arm in which nobody was treated left without the key that the others have, or with 0 %."""
    counts = protocol().pharmacology.model_copy(update={"neutrophils": True})
    records = [patient(1, true_neutrophil_nadir=0.9), patient(2, true_neutrophil_nadir=1.1)]
    summary = summary_of(protocol(pharmacology=counts), *records, patient(3, "navitoclax", **UNTREATED))
    assert summary["control"]["grade34_neutropenia_percent"] == 50.0
    assert summary["navitoclax"]["grade34_neutropenia_percent"] is None
    assert "grade34_neutropenia_percent" not in summary_of(protocol(), *records)["control"]


def test_intercurrent_events_are_numbers_where_they_are_planned() -> None:
    """Catches "0" crossed over in a trial without a plan for it, and stops by rule in an arm without a rule."""
    given = protocol(intercurrent=Intercurrent(new_therapy=NewTherapy(per_day=0.001, hazard_ratio=1.0)))
    found = saved(intercurrent_events(trial_of(patient(1), patient(2, "navitoclax")), given))
    assert found["arms"]["control"] == {"discontinuation": None, "new_therapy": 0, "crossover": None, "rescue": None}
    assert found["arms"]["navitoclax"]["discontinuation"] == 0
    found["arms"]["navitoclax"] |= {"discontinuation": 2, "new_therapy": 1}
    table = intercurrent(read(IntercurrentEvents, found), LABELS)
    assert table is not None
    assert [row[2:] for row in table.rows] == [("not modelled", "2"), ("0", "1")]


def steps(last: float) -> IncidenceSteps:
    return IncidenceSteps([0.0, 12.0], [0.0, last], 12.0)


def test_incidences_are_those_of_what_competes() -> None:
    """Catches a curve of death at 0 % beside a law that does not tell deaths, or of deaths that only censor."""
    both = {"relapse": steps(0.4), "death": steps(0.0)}
    data = SurvivalData(np.array([1.0, 2.0]), np.array([1, 1]), np.array(["control", "navitoclax"], dtype=object))
    analysis = replace(
        analyse(data, AnalysisPlan("control", LABELS)),
        competing={"control": both, "navitoclax": both},
        causes={"control": {}, "navitoclax": {"TIS escape": CauseOfRelapse(1, **vars(steps(0.4)))}},
    )
    kept = only_modelled(analysis, with_law("rfs"))
    assert set(kept.competing or ()) == set(kept.causes or ()) == {"navitoclax"}
    assert only_modelled(analysis, protocol()) == analysis
    assert only_modelled(analysis, protocol(endpoint=Endpoint(primary="ttr"))).competing is None
    assert only_modelled(analysis, immortal(protocol())).competing is None


def test_the_page_tells_what_was_not_measured() -> None:
    """Catches a dash that could be a nought, and an arm without treatment among the counts of doses."""
    summary = summary_of(protocol(), patient(1, doses_planned=0), patient(2, "navitoclax", dose_intensity=0.9))
    arms = {name: read(ArmSummary, {**arm, "label": LABELS[name]}) for name, arm in summary.items()}
    table = treatment(arms)
    assert table is not None
    assert table.rows == (("Navitoclax", "90.0%", "not measured"),)
    nothing = {"treated": None, "doses": {"given": None, "held": None}, "stopped_for_toxicity": None,
               "grades": {"platelets": None, "neutrophils": None}}  # fmt: skip
    loud = {"treated": 3, "doses": {"given": 8, "held": 1}, "stopped_for_toxicity": 0,
            "grades": {"platelets": [1, 0, 0, 2, 0], "neutrophils": None}}  # fmt: skip
    counted = harm({"control": read(Harm, nothing), "navitoclax": read(Harm, loud)}, LABELS)
    assert counted is not None
    assert counted.head == ("", "Navitoclax")
    assert counted.note.endswith("Not modelled in Control.")
    assert harm({"control": read(Harm, nothing)}, {"control": "Control"}) is None
