"""A lesion's reaction network as SBML, for simulators that are not this one.

SBML Level 3 Version 2 core (Hucka 2019, J Integr Bioinform 16(2):20190021), by python-libsbml, which is an extra of
the package and is imported when it is needed.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from trialsim.biology.network import CELLS, DIMENSIONLESS, PER_DAY, Network, Reaction
from trialsim.errors import TrialsimError, UsageError

_LEVEL, _VERSION = 3, 2
_LESION = "lesion"
_SECONDS_PER_DAY = 86400.0


def write_sbml(
    network: Network,
    *,
    model_id: str,
    name: str,
    notes: Sequence[str] = (),
    sources: Mapping[str, str] | None = None,
) -> str:
    """The network as an SBML document.

    Time is in days, amounts in items (cells), rates per day; every species is an amount in one compartment without
    a size of its own.

    Parameters
    ----------
    model_id
        Letters, digits and underscores, not a digit first, and no id of the network nor `lesion`.
    notes
        Paragraphs about the model, as plain text.
    sources
        Where a parameter's value comes from, by its id, as plain text.

    Raises
    ------
    UsageError
        python-libsbml is not installed.
    TrialsimError
        libsbml finds the document faulty.
    """
    libsbml = _libsbml()
    document = libsbml.SBMLDocument(_LEVEL, _VERSION)
    model = document.createModel()
    model.setId(model_id)
    model.setName(name)
    _annotate(model, notes)
    _define_units(libsbml, model)
    _add_compartment(model)
    for species in network.species:
        _add_species(model, species.id, species.name, species.count)
    for parameter in network.parameters:
        own = _add_parameter(model, parameter.id, parameter.name, parameter.unit, constant=True)
        own.setValue(parameter.value)
        _annotate(own, [sources[parameter.id]] if sources and parameter.id in sources else [])
    for definition in network.definitions:
        _add_parameter(model, definition.id, definition.name, definition.unit, constant=False)
        rule = model.createAssignmentRule()
        rule.setVariable(definition.id)
        rule.setMath(_math(libsbml, definition.formula))
    for reaction in network.reactions:
        _add_reaction(libsbml, model, reaction)
    _require_consistency(libsbml, document)
    return str(libsbml.writeSBMLToString(document))


def _libsbml() -> Any:
    try:
        import libsbml
    except ModuleNotFoundError as error:
        if error.name != "libsbml":
            raise  # it is installed, and lacks something of its own
        raise UsageError(
            "SBML export needs python-libsbml, which is not installed; get it with: pip install 'trialsim[sbml]'"
        ) from error
    return libsbml


def _annotate(element: Any, paragraphs: Sequence[str]) -> None:
    if paragraphs:
        text = "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
        if element.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{text}</body>') != 0:
            raise TrialsimError(f"these notes cannot stand in XML: {paragraphs}")


def _define_units(libsbml: Any, model: Any) -> None:
    for id_, exponent in (("day", 1), (PER_DAY, -1)):
        definition = model.createUnitDefinition()
        definition.setId(id_)
        unit = definition.createUnit()
        unit.setKind(libsbml.UNIT_KIND_SECOND)
        unit.setExponent(exponent)
        unit.setScale(0)
        unit.setMultiplier(_SECONDS_PER_DAY)
    model.setTimeUnits("day")
    model.setSubstanceUnits(CELLS)
    model.setExtentUnits(CELLS)
    model.setVolumeUnits(DIMENSIONLESS)


def _add_compartment(model: Any) -> None:
    lesion = model.createCompartment()
    lesion.setId(_LESION)
    lesion.setName("the lesion")
    lesion.setSpatialDimensions(3)
    lesion.setSize(1.0)
    lesion.setUnits(DIMENSIONLESS)
    lesion.setConstant(True)


def _add_species(model: Any, id_: str, name: str, count: int) -> None:
    species = model.createSpecies()
    species.setId(id_)
    species.setName(name)
    species.setCompartment(_LESION)
    species.setInitialAmount(float(count))
    species.setSubstanceUnits(CELLS)
    species.setHasOnlySubstanceUnits(True)
    species.setBoundaryCondition(False)
    species.setConstant(False)


def _add_parameter(model: Any, id_: str, name: str, unit: str, *, constant: bool) -> Any:
    parameter = model.createParameter()
    parameter.setId(id_)
    parameter.setName(name)
    parameter.setUnits(unit)
    parameter.setConstant(constant)
    return parameter


def _add_reaction(libsbml: Any, model: Any, reaction: Reaction) -> None:
    own = model.createReaction()
    own.setId(reaction.id)
    own.setName(reaction.name)
    own.setReversible(False)
    for cells, create in ((reaction.inputs, own.createReactant), (reaction.outputs, own.createProduct)):
        for species, count in cells:
            reference = create()
            reference.setSpecies(species)
            reference.setStoichiometry(float(count))
            reference.setConstant(True)
    own.createKineticLaw().setMath(_math(libsbml, reaction.law))


def _math(libsbml: Any, formula: str) -> Any:
    tree = libsbml.parseL3Formula(formula)
    if tree is None:
        raise TrialsimError(f"libsbml cannot read the formula {formula}: {libsbml.getLastParseL3Error()}")
    return tree


def _require_consistency(libsbml: Any, document: Any) -> None:
    """All of libsbml's checks, units and modelling practice included. Any finding is a fault of the writer."""
    document.checkConsistency()
    if document.getNumErrors() > 0:
        found = [document.getError(at).getMessage().strip() for at in range(document.getNumErrors())]
        raise TrialsimError("the SBML document is faulty, which is a fault of trialsim: " + "; ".join(found[:5]))
