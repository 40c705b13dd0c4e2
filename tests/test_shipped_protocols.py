"""Every protocol that ships runs to its end, and so does whatever the check accepts of what can be made from them.

The trials are small: what is looked for is a run that fails, not what it finds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trialsim.errors import InvalidInput
from trialsim.report.page import write_report
from trialsim.spec.agent_ranges import numbers
from trialsim.spec.load import load_protocol
from trialsim.spec.paths import path_text
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.source import KeyPath, read_document
from trialsim.treatment.library import load_library
from trialsim.trial import run_trial, write_data

PROTOCOLS = Path(__file__).parents[1] / "protocols"
SHIPPED = sorted(PROTOCOLS.rglob("*.yaml"))
#: A value with a unit, as protocols and cohorts write it.
_QUANTITY = re.compile(r"(?P<number>[0-9.]+(?:e[-+]?[0-9]+)?) ?(?P<unit>%?/?[A-Za-z][A-Za-z0-9/]*|%)")
_SCALES = (0.0, 1e-300, 1e-9, 1e-3, 0.5, 2.0, 1e3, 1e9, 1e300)
#: Texts and wrong kinds that stand for anything else.
_WORDS = (
    "null",
    "none",
    "''",
    "[]",
    "{}",
    "-1",
    "1e400",
    "nan",
    "true",
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    "a.b",
    "9999-12-31",
)


def few(path: Path) -> list[str]:
    """Overrides that make a protocol small: ten patients, and no more events than they can have."""
    cut = read_document(path).data["follow_up"].get("cut") or {}
    return ["accrual.patients=10", *(["follow_up.cut.events=4"] if "events" in cut else [])]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_protocol_runs_to_its_page(path: Path, tmp_path: Path) -> None:
    """Catches a protocol that the check passes and that no run finishes."""
    trial = run_trial(load_protocol(path, load_library(), few(path)), 1)
    write_data(trial, tmp_path, command="trialsim run")
    assert write_report(tmp_path).stat().st_size > 0
    assert sum(arm.randomised for arm in trial.summary.arms.values()) == 10


@cache
def leaves(path: Path) -> tuple[tuple[str, Any], ...]:
    """Every single value of a protocol and its cohort, with its path as an override writes it."""
    data = read_document(path).data
    cohort = read_document(path.parent / data["cohort"]).data
    found = [*((path_text(at), value) for at, value in _leaves(data))]
    found += [(f"cohort.{path_text(at)}", value) for at, value in _leaves(cohort)]
    return tuple(found)


def _leaves(data: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _leaves(value, (*path, key))
    else:
        yield path, data


def changed(value: Any, scale: float, rng: random.Random) -> str:
    """Another value in the place of one: the number scaled, with its unit, or a word."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{int(value * scale) if isinstance(value, int) and scale < 1e10 else value * scale}"
    match = _QUANTITY.fullmatch(str(value))
    return rng.choice(_WORDS) if match is None else f"{float(match['number']) * scale!r} {match['unit']}"


def accepted(path: Path, overrides: list[str]) -> ResolvedProtocol | None:
    """The protocol if the check accepts it; the check itself may not fail."""
    try:
        return load_protocol(path, load_library(), overrides)
    except InvalidInput:
        return None


@cache
def agent_leaves(path: Path) -> tuple[tuple[str, float], ...]:
    """Every number of the agents that a protocol gives, with its path as an override writes it."""
    protocol = load_protocol(path, load_library(), few(path))
    given = {order.agent for arm in protocol.arms.values() for order in arm.orders}
    return tuple(
        (path_text(("agents", name, *place)), number.value)
        for name in sorted(given)
        for place, number in numbers(protocol.agents[name])
    )


WITH_AGENTS = [path for path in SHIPPED if agent_leaves(path)]


@settings(max_examples=60)
@given(st.sampled_from(WITH_AGENTS), st.sampled_from((-1.0, *_SCALES)), st.integers(0, 10**9))
def test_what_the_check_accepts_of_an_agent_runs_to_its_end(path: Path, scale: float, seed: int) -> None:
    """The same of a number of the library. Catches a hazard, a half-life or a share that no run gets to the end of."""
    at, value = random.Random(seed).choice(agent_leaves(path))
    protocol = accepted(path, [*few(path), f"{at}={value * scale!r}"])
    if protocol is not None:
        run_trial(protocol, 1)


@settings(max_examples=150)
@given(st.sampled_from(SHIPPED), st.lists(st.sampled_from(_SCALES), min_size=1, max_size=2), st.integers(0, 10**9))
def test_what_the_check_accepts_runs_to_its_end(path: Path, scales: list[float], seed: int) -> None:
    """One or two values of a shipped protocol or its cohort changed: it is refused, or a small trial of it runs.

    Catches a distribution that cannot be drawn from, a day without a date, an amount that overflows, and a check that
    fails on what it should refuse.
    """
    rng = random.Random(seed)
    wanted = [rng.choice(leaves(path)) for _ in scales]
    overrides = [f"{at}={changed(value, scale, rng)}" for (at, value), scale in zip(wanted, scales, strict=True)]
    protocol = accepted(path, [*few(path), *overrides])
    if protocol is not None and protocol.accrual.patients <= 20:
        run_trial(protocol, 1)
