"""A trial told in plain text before anything runs, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from trialsim.report.biomarkers import marker_words
from trialsim.report.enrolment import enrolment_words
from trialsim.report.estimand import (
    dose_text,
    estimand,
    follow_up_words,
    guide_words,
    join,
    rule_words,
)
from trialsim.report.event_models import model_words
from trialsim.report.intercurrent import plans_words
from trialsim.report.labels import one_line
from trialsim.report.numbers import WIDTH, distribution, plural, words
from trialsim.report.waiting import capacity_words
from trialsim.spec.high_doses import high_doses
from trialsim.spec.resolved import Order, ResolvedArm, ResolvedProtocol

_LABEL = 18
_PLOT = WIDTH - _LABEL - 2
#: Orders of more cycles than this have the regular ones told in one line.
MOST_CYCLES_TOLD = 12
#: Traits that say who is enrolled, in the order they are told.
_WHO = (
    "age",
    "sex",
    "subtype",
    "nodes",
    "p53_status",
    "doubling_time",
    "residual_burden",
    "foci",
    "platelet_baseline",
)


def describe_protocol(protocol: ResolvedProtocol) -> str:
    """The trial in words: who, what, a timeline per arm, the dated administrations, the analysis.

    What an arm shares with one before it is listed there only. Days count from 1 at randomisation, as protocols do.
    """
    blocks = [
        _title(protocol),
        _section("Who is enrolled", _who(protocol)),
        _section(
            "How the trial runs",
            [
                *_filled(enrolment_words(protocol)),
                "",
                *_filled(
                    " ".join(filter(None, (follow_up_words(protocol), capacity_words(protocol), plans_words(protocol))))
                ),
            ],
        ),
        _section("What each arm is given", [*_high_doses(protocol), describe_arms(protocol)]),
        *([_section("Biomarkers", list(_biomarkers(protocol)))] if protocol.markers else []),
        _section(
            "How it is analysed",
            [line for name, text in estimand(protocol) for line in _filled(text, f"{name}: ")],
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def _high_doses(protocol: ResolvedProtocol) -> list[str]:
    return [line for sentence in high_doses(protocol) for line in (*_filled(sentence, "Beyond experience: "), "")]


def describe_arms(protocol: ResolvedProtocol) -> str:
    """A timeline and the dated administrations of each arm."""
    return "\n".join(_arms(protocol))


def _title(protocol: ResolvedProtocol) -> str:
    head = protocol.title or protocol.name
    lines = [*_filled(head), "=" * min(WIDTH, len(head))]
    return "\n".join([*lines, *_filled(protocol.description)] if protocol.description else lines)


def _section(head: str, lines: list[str]) -> str:
    return "\n".join([head, "-" * len(head), *lines])


def _filled(text: str, first: str = "", indent: int = 0) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(
        first + text, WIDTH, initial_indent=pad, subsequent_indent=pad + (" " * 4 if first else "")
    ) or [""]


def _who(protocol: ResolvedProtocol) -> list[str]:
    cohort = protocol.cohort
    lines = _filled(f"{cohort.title or cohort.name}. {cohort.description}".strip())
    for name in _WHO:
        trait = cohort.traits.get(name)
        if trait is None:
            continue
        unit = f" ({trait.unit})" if trait.unit else ""
        if trait.by is None:
            lines += _filled(f"{distribution(trait.cases['*'])}", f"{words(name)}{unit}: ", 2)
            continue
        lines += _filled(f"by {words(trait.by)}", f"{words(name)}{unit}: ", 2)
        for level, case in trait.cases.items():
            lines += _filled(distribution(case), f"{words(level)}: ", 6)
    others = len([name for name in cohort.traits if name not in _WHO])
    if others:
        lines.append(f"  and {plural(others, 'more trait')}; the resolved protocol has them all, with sources.")
    return lines


def _arms(protocol: ResolvedProtocol) -> Iterator[str]:
    last = max((day for arm in protocol.arms.values() for o in arm.orders for day in o.days), default=0.0)
    per_column = _days_per_column(last)
    reference = protocol.arms[protocol.analysis.reference]
    if any(arm.orders for arm in protocol.arms.values()) or protocol.has_cells:
        marks = "| is one administration, a digit that many, + ten or more"
        yield f"In timelines a column is {per_column:g} days; {marks}."
    for arm in protocol.arms.values():
        yield ""
        yield from _filled(f"{arm.name}: {arm.label}" + ("  (reference)" if arm is reference else ""))
        if arm.model is not None:
            yield from _filled(model_words(protocol, arm.model), "", 2)
            continue
        if not arm.orders:
            yield "  no treatment"
            continue
        yield ""
        yield from _timeline(protocol, arm, last, per_column)
        yield ""
        told = [_first_with(protocol, order) for order in arm.orders]
        for other in dict.fromkeys(name for name in told if name != arm.name):
            labels = [_label(protocol, order) for order, name in zip(arm.orders, told, strict=True) if name == other]
            yield from _filled(f"As in {other}: {join(list(dict.fromkeys(labels)))}.", "", 2)
        for order, name in zip(arm.orders, told, strict=True):
            if name == arm.name:
                yield from _administrations(protocol, order)


def _first_with(protocol: ResolvedProtocol, order: Order) -> str:
    """The first arm, as arms are told, that gives an order."""
    return next(arm.name for arm in protocol.arms.values() if order in arm.orders)


def _biomarkers(protocol: ResolvedProtocol) -> Iterator[str]:
    for marker in protocol.markers.values():
        yield from _filled(f"{marker_words(marker)}.", f"{marker.name}: ", 2)


def _days_per_column(last: float) -> float:
    """The finest of these widths at which every administration fits on the line."""
    return next((d for d in (1.0, 3.5, 7.0, 14.0, 28.0, 56.0) if (last + 1) / d <= _PLOT), (last + 1) / _PLOT)


def _timeline(protocol: ResolvedProtocol, arm: ResolvedArm, last: float, per_column: float) -> Iterator[str]:
    columns = int(last / per_column) + 1
    step = next(w for w in (1, 2, 4, 8, 12, 26, 52, 104, 520) if w * 7 / per_column >= 6)
    axis, ruler = [" "] * (columns + 6), ["-"] * columns
    for week in range(0, int(last / 7) + 1, step):
        at = round(week * 7 / per_column)
        if at >= columns:
            break
        ruler[at] = "+"
        axis[at : at + len(str(week))] = str(week)
    yield f"  {'week':<{_LABEL}}{''.join(axis).rstrip()}"
    yield f"  {'':<{_LABEL}}{''.join(ruler)}"
    labels = list(dict.fromkeys(_label(protocol, order) for each in protocol.arms.values() for order in each.orders))
    short = dict(zip(labels, one_line(labels, _LABEL - 1), strict=True))
    for order in arm.orders:
        yield f"  {short[_label(protocol, order)]:<{_LABEL}}{_marks(order, columns, per_column)}"


def _marks(order: Order, columns: int, per_column: float) -> str:
    counts = [0] * columns
    for day in order.days:
        counts[int(day / per_column)] += 1
    return "".join(_mark(n) for n in counts).rstrip()


def _mark(number: int) -> str:
    if number > 9:
        return "+"
    return " |23456789"[number]


def _label(protocol: ResolvedProtocol, order: Order) -> str:
    return protocol.agents[order.agent].label if order.agent in protocol.agents else order.agent


def _administrations(protocol: ResolvedProtocol, order: Order) -> Iterator[str]:
    noun = "fraction" if order.dose_unit == "Gy" else "dose"
    where = ", local field" if order.field == "local" else ""
    head = f"{_label(protocol, order)} {dose_text(order)}: {plural(len(order.days), noun)}{where}"
    yield from _filled(f"{head} (start: {order.written})", "", 2)
    for words_of in (guide_words(protocol, order), rule_words(order)):
        if words_of:
            yield from _filled(words_of, "", 6)
    groups = cycles(order)
    for first, last in _told(groups):
        if first == last:
            days = groups[first]
            prefix = f"cycle {first + 1:>2}  week {int(days[0] // 7):>3}  "
            yield from _filled(("day " if len(days) == 1 else "days ") + day_ranges(days), prefix, 4)
        else:
            apart = groups[first][0] - groups[first - 1][0]
            yield f"    cycles {first + 1} to {last + 1} likewise, every {apart:g} days"


def _told(groups: list[list[float]]) -> list[tuple[int, int]]:
    """Cycles to tell one by one, and stretches of at least three that repeat the one before them at its distance."""
    told: list[tuple[int, int]] = []
    at = 0
    while at < len(groups):
        end = at
        while 2 <= end < len(groups) - 1 and _repeats(groups, end):
            end += 1
        if end - at >= 3 and len(groups) > MOST_CYCLES_TOLD:
            told.append((at, end - 1))
            at = end
        else:
            told.append((at, at))
            at += 1
    return told


def _repeats(groups: list[list[float]], at: int) -> bool:
    """Whether a cycle is the one before it, moved by as much as that one from its predecessor."""
    steps = [groups[at - k][0] - groups[at - k - 1][0] for k in (0, 1)]
    moved = [day + steps[0] for day in groups[at - 1]]
    return (
        abs(steps[0] - steps[1]) < 1e-6
        and len(moved) == len(groups[at])
        and all(abs(here - there) < 1e-6 for here, there in zip(groups[at], moved, strict=True))
    )


def cycles(order: Order) -> list[list[float]]:
    """The days of an order grouped by cycle: each day belongs to the last cycle that has started."""
    starts = sorted(order.cycle_starts) or [order.days[0]]
    groups: list[list[float]] = [[] for _ in starts]
    for day in order.days:
        begun = [i for i, start in enumerate(starts) if start <= day + 1e-9]
        groups[begun[-1] if begun else 0].append(day)
    return [group for group in groups if group]


def day_ranges(days: list[float]) -> str:
    """Days from 1, consecutive ones as a range: ``1-5, 8-12 and 15``."""
    runs: list[list[float]] = []
    for day in days:
        if runs and abs(day - runs[-1][-1] - 1) < 1e-9:
            runs[-1].append(day)
        else:
            runs.append([day])
    return join([f"{run[0] + 1:g}" if len(run) == 1 else f"{run[0] + 1:g}-{run[-1] + 1:g}" for run in runs])
