"""A small agent library for the tests of the spec layer; the numbers mean nothing."""

from __future__ import annotations

from trialsim.spec.agents import (
    INDUCERS,
    Agent,
    Cytotoxic,
    Fate,
    Fates,
    Pharmacokinetics,
    PlateletEffect,
    Radiation,
    Senolytic,
    Sourced,
)


def number(value: float, unit: str = "") -> Sourced:
    """A sourced number."""
    return Sourced(value=value, unit=unit, source="made up for tests", confidence="low")


def fates() -> Fates:
    """Fates with every number in place."""
    fate = Fate(senescence=number(0.8), repair=number(0.1))
    return Fates(wild_type=fate, mutant=fate, death_shift=number(5.0))


def cytotoxic(name: str) -> Cytotoxic:
    """A cytotoxic dosed in mg/m2."""
    return Cytotoxic(
        name=name,
        label=name.title(),
        inducer="dna_damage",
        reference_dose=number(60.0, "mg/m2"),
        log_kill=number(1.0),
        fates=fates(),
    )


def senolytic(name: str, *, platelets: bool) -> Senolytic:
    """A senolytic dosed in mg, with or without an effect on platelets."""
    one = number(1.0)
    return Senolytic(
        name=name,
        label=name.title(),
        pk=Pharmacokinetics(clearance=one, volume=one, absorption=one, molar_mass=one),
        emax=one,
        ec50=one,
        effect_by_inducer={inducer: one for inducer in INDUCERS},
        effect_by_class={"bcl_xl": one, "mcl_1": one},
        immature_effect=one,
        cycling_effect=one,
        platelets=PlateletEffect(emax=one, ec50=one) if platelets else None,
    )


def library() -> dict[str, Agent]:
    """The agents that the shipped protocol needs, and a senolytic that spares platelets.

    Doxorubicin is kept a week apart from radiation, as in the shipped library, and so is paclitaxel. Fluorouracil is
    infused over two days.
    """
    slow = Pharmacokinetics(clearance=number(1.0), volume=number(1.0), molar_mass=number(1.0), infusion=number(48.0))
    apart = {"apart_from": {"radiation": number(7.0, "d")}}
    return {
        "doxorubicin": cytotoxic("doxorubicin").model_copy(update=apart),
        "cyclophosphamide": cytotoxic("cyclophosphamide"),
        "paclitaxel": cytotoxic("paclitaxel").model_copy(update=apart),
        "fluorouracil": cytotoxic("fluorouracil").model_copy(update={"pk": slow}),
        "radiation": Radiation(name="radiation", label="Radiation", fates=fates()),
        "navitoclax": senolytic("navitoclax", platelets=True),
        "fisetin": senolytic("fisetin", platelets=False),
    }
