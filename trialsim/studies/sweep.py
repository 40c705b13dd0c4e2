"""A protocol with some of its values varied: the same patients under every arm at every point of the grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from trialsim.errors import InvalidInput, Problem
from trialsim.reported.studies import Contrast, SweepPoint, SweepRun
from trialsim.spec.agents import Agent
from trialsim.spec.paths import path_and_value
from trialsim.spec.resolved import ResolvedProtocol
from trialsim.spec.rules import Rule
from trialsim.studies.contrasts import contrast, outcomes, study
from trialsim.studies.scope import admit
from trialsim.studies.twins import Twins, Under, live_under

_CLOSING = {"[": "]", "{": "}", '"': '"', "'": "'"}


@dataclass(frozen=True)
class Point:
    """One combination of values, and the protocol that they make."""

    values: Mapping[str, str]
    """By key, as written."""
    protocol: ResolvedProtocol
    unused: Mapping[str, str] = field(default_factory=dict)
    """Keys that the protocol sets and that have no part in a sweep, each with the reason."""


def read_grid(
    path: Path, agents: Mapping[str, Agent], varied: Sequence[str], overrides: Sequence[str] = ()
) -> list[Point]:
    """Every combination of the values in ``varied`` (each ``KEY=V1,V2,...``), the last key changing fastest.

    ``overrides`` hold at every point. Raises :class:`InvalidInput` with the problems of all points, each told once;
    what a sweep does not honour (`trialsim.studies.scope`) is among them.
    """
    axes = _axes(varied)
    points: list[Point] = []
    problems: dict[Problem, None] = {}
    for values in product(*axes.values()):
        words = [f"{key}={value}" for key, value in zip(axes, values, strict=True)]
        try:
            points.append(Point(dict(zip(axes, values, strict=True)), *admit(path, agents, [*overrides, *words])))
        except InvalidInput as invalid:
            problems |= dict.fromkeys(invalid.problems)
    if problems:
        raise InvalidInput(tuple(problems))
    return points


def _axes(varied: Sequence[str]) -> dict[str, list[str]]:
    axes: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for words in varied:
        key, equals, text = path_and_value(words)
        key, values = key.strip(), split(text)
        if not equals or not all(values):
            what = "there is no `=` in it" if not equals else "one of its values is empty"
            problems.append(_problem(words, what, "KEY.KEY=VALUE,VALUE,..."))
        elif key in axes:
            problems.append(_problem(words, f"`{key}` is varied twice", "all values of a key in one --vary"))
        axes[key] = values
    if problems:
        raise InvalidInput(tuple(problems))
    return axes


def _problem(words: str, message: str, remedy: str) -> Problem:
    return Problem(f"--vary {words}", 0, 0, message, Rule.OVERRIDE, remedy)


def split(text: str) -> list[str]:
    """Values parted by commas; a comma within brackets or quotes parts nothing."""
    values, open_ones = [""], list[str]()
    for character in text:
        quoted = bool(open_ones) and open_ones[-1] in "\"'"
        if open_ones and character == open_ones[-1]:
            open_ones.pop()
        elif character in _CLOSING and not quoted:
            open_ones.append(_CLOSING[character])
        if character == "," and not open_ones:
            values.append("")
        else:
            values[-1] += character
    return [value.strip() for value in values]


def run_sweep(
    points: Sequence[Point],
    patients: int,
    *,
    seed: int,
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> SweepRun:
    """Simulate the same patients under every arm at every point.

    An arm that a value leaves as it was is simulated once.
    """
    unders: list[Under] = []
    places = [{arm: _place(unders, (point.protocol, arm)) for arm in point.protocol.arms} for point in points]
    lived = live_under(unders, patients, seed=seed, jobs=jobs, on_progress=on_progress)
    twins = [{arm: lived[at] for arm, at in arms.items()} for arms in places]
    return SweepRun(
        **vars(study(points[0].protocol, patients, seed, points[0].unused)),
        varied=tuple(points[0].values),
        points=tuple(
            SweepPoint(
                values=dict(point.values),
                **vars(outcomes(point.protocol, own)),
                against_first=_against(own, twins[0], point.protocol.follow_up.minimum_days),
            )
            for point, own in zip(points, twins, strict=True)
        ),
    )


def _place(unders: list[Under], under: Under) -> int:
    """Where an arm's courses are among those that are lived; it is added if there are none like it."""
    for at, known in enumerate(unders):
        if known[1] == under[1] and _alone(known) == _alone(under):
            return at
    unders.append(under)
    return len(unders) - 1


def _alone(under: Under) -> ResolvedProtocol:
    protocol, arm = under
    return protocol.model_copy(update={"arms": {arm: protocol.arms[arm]}})


def _against(own: Mapping[str, Twins], first: Mapping[str, Twins], until: float) -> dict[str, Contrast]:
    return {arm: contrast(twins, first[arm], until) for arm, twins in own.items() if arm in first}
