"""Small mechanistic protocols for tests: the shipped one with a few traits and doses changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from trialsim.spec.load import load_protocol
from trialsim.spec.resolved import Distribution, Order, ResolvedArm, ResolvedProtocol
from trialsim.treatment.library import load_library

SHIPPED = Path(__file__).parents[2] / "protocols" / "breast-adjuvant-navitoclax.yaml"


@lru_cache(maxsize=8)
def shipped(*overrides: str) -> ResolvedProtocol:
    """The flagship protocol with overrides in the command line's words."""
    return load_protocol(SHIPPED, load_library(), overrides)


def typical_patient(**traits: float | str) -> dict[str, float | str]:
    """Traits of one plain patient with a single active lesion, changed as asked."""
    plain: dict[str, float | str] = {
        "age": 55.0,
        "sex": "female",
        "subtype": "basal",
        "nodes": "n1_3",
        "p53_status": "wild_type",
        "doubling_time": 100.0,
        "doubling_time_burden": 1e9,
        "birth_rate": 0.14,
        "carrying_capacity": 3.1e12,
        "local_residual_prob": 1.0,
        "residual_burden": 1e6,
        "foci": 0.0,
        "focus_burden": 1e4,
        "dormant_prob": 0.0,
        "spontaneous_senescence_rate": 1e-3,
        "dormancy_escape_rate": 1e-4,
        "senescence_escape_rate": 1e-6,
        "polyploid_fraction": 0.4,
        "maturation_time": 4.0,
        "escape_latency": 14.0,
        "senescent_clearance_rate": 0.02,
        "escaper_establishment": 10.0,
        "escaper_growth": 1.3,
        "escaper_resistance": 2.0,
        "chemo_response": "responsive",
        "chemosensitivity": 1.0,
        "radio_alpha": 0.2,
        "radio_alpha_beta": 3.5,
        "bcl2_class": "bcl_xl",
        "senolytic_sensitivity": 1.0,
        "senolytic_resistant_fraction": 0.01,
        "drug_clearance": 1.0,
        "platelet_baseline": 250.0,
        # The secretome does nothing, immune cells kill none, nothing is seeded: each test switches on what it looks at.
        "immune_kill_rate": 0.0,
        "sasp_intensity": 1.0,
        "sasp_growth": 1.0,
        "sasp_seeding": 1.0,
        "sasp_immunosuppression": 0.5,
        "sasp_arrest": 0.0,
        "sasp_clearance": 1.0,
        "sasp_waking": 1.0,
        "seeding_rate": 0.0,
        "host_senescence": 1.0,
        "f3_boost": 1.0,
        "escape_brake": 1.0,
        "senescence_reversal_rate": 0.1,
    }
    unknown = set(traits) - set(plain)
    assert not unknown, unknown
    return plain | traits


def order(agent: str, dose: float, days: Iterable[float], *, field: str = "systemic") -> Order:
    """One line of a regimen, dated by hand."""
    dated = tuple(float(day) for day in days)
    unit = load_library()[agent].dose_unit
    return Order.model_validate(
        {
            "id": agent,
            "regimen": "test",
            "agent": agent,
            "dose": dose,
            "dose_unit": unit,
            "days": dated,
            "cycle_starts": dated[:1],
            "field": field,
            "written": "by hand",
        }
    )


def arm(*orders: Order) -> ResolvedArm:
    return ResolvedArm(name="test", label="test", orders=orders)


def with_gains(protocol: ResolvedProtocol, **gains: float) -> ResolvedProtocol:
    """The protocol with mechanisms switched or scaled."""
    return protocol.model_copy(update={"biology": {**protocol.biology, **gains}})


def with_agents(protocol: ResolvedProtocol) -> ResolvedProtocol:
    """The protocol with the whole agent library at hand."""
    return protocol.model_copy(update={"agents": dict(load_library())})


def constant(value: float) -> Mapping[str, Distribution]:
    return {"*": Distribution(kind="constant", parameters={"value": value})}
