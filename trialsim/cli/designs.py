"""Commands that design a trial in closed form, before anything is simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from trialsim.cli.options import JSON, days
from trialsim.errors import UsageError

if TYPE_CHECKING:
    from trialsim.designs.boundaries import Boundaries
    from trialsim.designs.survival import Steps

_ERROR_RATE = click.FloatRange(0, 1, min_open=True, max_open=True)


def _tests(command: Callable[..., None]) -> Callable[..., None]:
    """Options of a group-sequential test, which both commands have."""
    options = (
        click.option("--alpha", type=_ERROR_RATE, default=0.025, show_default=True, help="Type I error of the test."),
        click.option("--sided", type=click.Choice(["1", "2"]), default="1", show_default=True),
        click.option("--at", "at", default="1", show_default=True, help="Information at each look: 0.5,0.75,1."),
        click.option(
            "--spending",
            default="obrien-fleming",
            show_default=True,
            help="obrien-fleming, pocock, hwang-shih-decani(G), kim-demets(R); or shares of alpha: 0.1,0.4,1.",
        ),
        click.option(
            "--shape", type=click.FloatRange(-2, 1), help="Wang-Tsiatis shape instead: 0 O'Brien-Fleming, 0.5 Pocock."
        ),
        click.option("--futility", help="Spending function of beta, to stop for want of effect."),
        click.option("--binding", is_flag=True, help="The futility rule binds: alpha takes credit for it."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_tests
@click.option(
    "--power", type=_ERROR_RATE, default=0.9, show_default=True, help="Power that the design is drawn up for."
)
@JSON
def boundaries(as_json: bool, power: float, **options: Any) -> None:
    """Group-sequential boundaries: z at each look, what is spent, and what the design does.

    A large z speaks for the treatment. Futility spends 1 - POWER as beta.
    """
    from trialsim import results
    from trialsim.designs.text import boundaries_text, boundary_table

    with _refusals():
        design, name = _design(options, power)
        told = boundary_table(design, name, power)
    click.echo(results.to_json(told) if as_json else boundaries_text(told), nl=False)


@click.command()
@_tests
@click.option("--hazard-ratio", required=True, help="Treated over control: 0.7, or with delay `1 until 6 mo, 0.6`.")
@click.option("--median", help="Median time to the event in control, e.g. 24 mo.")
@click.option("--hazard", help="Or its hazard: `0.03 /mo`, or `0.05 /mo until 12 mo, 0.02 /mo`.")
@click.option("--accrual", required=True, help="How long patients come in, e.g. 24 mo.")
@click.option("--ramp", help="Accrual rises to its full rate in steps over this long, e.g. 6 mo.")
@click.option("--follow-up", required=True, help="From the last patient to the last analysis, e.g. 18 mo.")
@click.option("--dropout", default="0 /yr", show_default=True, help="Withdrawal of either arm, e.g. `2 %/yr`.")
@click.option("--ratio", type=click.FloatRange(0.01, 100), default=1.0, show_default=True, help="Treated to control.")
@click.option("--power", type=_ERROR_RATE, default=0.9, show_default=True)
@click.option("--method", type=click.Choice(["schoenfeld", "lachin-foulkes"]), default="schoenfeld", show_default=True)
@JSON
def size(as_json: bool, power: float, ratio: float, method: Any, **options: Any) -> None:
    """Events and patients that a survival trial needs, in closed form.

    Under a delayed or crossing effect the hazard ratio is averaged over the events that are expected by the analysis.
    """
    from trialsim import results
    from trialsim.designs.size import effect_by_look, size_for
    from trialsim.designs.survival import Group, SurvivalTrial
    from trialsim.designs.text import size_table, size_text

    control = _control(options["median"], options["hazard"])
    ratios = _steps("--hazard-ratio", options["hazard_ratio"], float)
    if not all(0.01 <= ratio <= 100.0 for ratio in ratios.values):
        raise UsageError(f"--hazard-ratio {options['hazard_ratio']}: from 0.01 to 100")
    dropout = _steps("--dropout", options["dropout"], lambda words: _rate("--dropout", words))
    accrual, follow_up = days("--accrual", options["accrual"]), days("--follow-up", options["follow_up"])
    entry = _entry(accrual, 0.0 if options["ramp"] is None else days("--ramp", options["ramp"]))
    trial = SurvivalTrial(entry, Group(control, dropout), Group(_product(control, ratios), dropout), ratio)
    with _refusals():
        effect = effect_by_look(trial, accrual + follow_up, _numbers("--at", options["at"]))
        design, _ = _design(options, power, effect)
        sized = size_for(
            trial,
            accrual + follow_up,
            design.alpha,
            power,
            sided=design.sided,
            method=method,
            inflation=design.inflation(power),
        )
        told = size_table(sized, design, power, method)
    click.echo(results.to_json(told) if as_json else size_text(told), nl=False)


@contextmanager
def _refusals(place: str = "") -> Iterator[None]:
    """A design that cannot be is told as an error of the command's words."""
    from trialsim.designs.boundaries import DesignError
    from trialsim.designs.spending import SpendingError

    try:
        yield
    except (DesignError, SpendingError) as error:
        remedy = f"; try {error.remedy}" if error.remedy else ""
        raise UsageError(f"{place}{error.message}{remedy}") from error


def _design(options: dict[str, Any], power: float, effect: tuple[float, ...] = ()) -> tuple[Boundaries, str]:
    """The test that the options describe, and what it is called."""
    from trialsim.designs.boundaries import Futility, by_spending, of_shape
    from trialsim.designs.spending import parse_spending

    at = _numbers("--at", options["at"])
    sided, alpha, shape = int(options["sided"]), options["alpha"], options["shape"]
    if options["binding"] and options["futility"] is None:
        raise UsageError("--binding needs --futility")
    if shape is not None:
        if options["futility"] is not None:
            raise UsageError("--futility goes with --spending, not with --shape")
        return of_shape(at, alpha, sided, shape, effect), f"Wang-Tsiatis shape {shape:g}"
    spending, futility = parse_spending(options["spending"]), None
    if options["futility"] is not None:
        futility = Futility(1.0 - power, parse_spending(options["futility"]), options["binding"])
    return by_spending(at, alpha, sided, spending, futility, effect), spending.name


def _numbers(option: str, words: str) -> list[float]:
    try:
        return [float(word) for word in words.split(",")]
    except ValueError:
        raise UsageError(f"{option} {words}: numbers with commas between, e.g. 0.5,0.75,1") from None


def _rate(option: str, words: str) -> float:
    from trialsim.units import UnitError, parse

    try:
        return parse(words, "rate")
    except UnitError as error:
        raise UsageError(f"{option} {words}: {error}") from error


def _steps(option: str, words: str, read: Callable[[str], float]) -> Steps:
    """``VALUE until TIME, ..., VALUE`` as a step function of time."""
    from trialsim.designs.survival import Steps

    ends, values = [], []
    parts = [part.strip() for part in words.split(",")]
    for i, part in enumerate(parts):
        value, until, end = part.partition(" until ")
        if bool(until) == (i + 1 == len(parts)):
            raise UsageError(f"{option} {words}: every value but the last has an end, e.g. `1 until 6 mo, 0.6`")
        try:
            values.append(read(value))
        except ValueError:
            raise UsageError(f"{option} {words}: `{value}` is not a number") from None
        if until:
            ends.append(days(option, end))
    with _refusals(f"{option} {words}: "):
        return Steps(tuple(ends), tuple(values))


def _control(median: str | None, hazard: str | None) -> Steps:
    """The control arm's hazard, from its median or as it is."""
    import math

    from trialsim.designs.survival import constant

    if (median is None) == (hazard is None):
        raise UsageError("say either --median or --hazard of the control arm")
    if hazard is not None:
        return _steps("--hazard", hazard, lambda words: _rate("--hazard", words))
    assert median is not None
    middle = days("--median", median)
    if middle == 0:
        raise UsageError("--median must be more than zero")
    return constant(math.log(2.0) / middle)


def _product(hazard: Steps, ratios: Steps) -> Steps:
    """The hazard times the hazard ratio, at every time."""
    from trialsim.designs.survival import Steps

    ends = tuple(sorted({*hazard.ends, *ratios.ends}))
    return Steps(ends, tuple(hazard.at(start) * ratios.at(start) for start in (0.0, *ends)))


def _entry(accrual: float, ramp: float) -> Steps:
    """Accrual at a rate of 1 after a ramp of six even steps."""
    from trialsim.designs.survival import Steps

    if accrual == 0.0:
        raise UsageError("--accrual must be more than zero")
    if ramp >= accrual:
        raise UsageError("--ramp is shorter than --accrual")
    if ramp == 0.0:
        return Steps((accrual,), (1.0, 0.0))
    ends = [ramp * (k + 1) / 6 for k in range(6)]
    return Steps((*ends, accrual), (*((k + 0.5) / 6 for k in range(6)), 1.0, 0.0))
