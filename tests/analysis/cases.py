"""Data for the analysis tests: published sets, and small random trials."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from trialsim.analysis import SurvivalData, from_frame, load_table

# R survival::ovarian (Edmunson et al. 1979): futime (days), fustat, rx.
_OVARIAN = (
    (59, 1, 1), (115, 1, 1), (156, 1, 1), (421, 0, 2), (431, 1, 1), (448, 0, 1), (464, 1, 2), (475, 1, 2),
    (477, 0, 1), (563, 1, 2), (638, 1, 1), (744, 0, 2), (769, 0, 2), (770, 0, 2), (803, 0, 1), (855, 0, 1),
    (1040, 0, 1), (1106, 0, 1), (1129, 0, 2), (1206, 0, 2), (1227, 0, 2), (268, 1, 1), (329, 1, 1),
    (353, 1, 2), (365, 1, 2), (377, 0, 2),
)  # fmt: skip


@cache
def gbsg2() -> SurvivalData:
    """German Breast Cancer Study Group 2: 686 patients, hormone therapy yes or no."""
    table = load_table("lifelines:gbsg2")
    return from_frame(
        table,
        time="time",
        event="cens",
        arm="horTh",
        strata=("tgrade",),
        covariates=("tgrade", "menostat", "age"),
    )


@cache
def lung() -> SurvivalData:
    """NCCTG lung cancer; arms are the sexes, 1 and 2."""
    return from_frame(load_table("lifelines:lung"), time="time", event="status", arm="sex")


@cache
def waltons() -> SurvivalData:
    return from_frame(load_table("lifelines:waltons"), time="T", event="E", arm="group")


@cache
def ovarian() -> SurvivalData:
    rows = np.array(_OVARIAN)
    return SurvivalData(rows[:, 0].astype(float), rows[:, 1] == 1, rows[:, 2].astype(object))


def trial(seed: int, n: int, *, whole_days: bool = True, effect: float = 0.7) -> SurvivalData:
    """A random two-arm trial with p53, grade and kinds of event; whole days make ties."""
    rng = np.random.default_rng(seed)
    arm = np.where(rng.random(n) < 0.5, "control", "senolytic")
    p53 = np.where(rng.random(n) < 0.4, "mutant", "wild_type")
    scale = 900.0 / (np.where(arm == "control", 1.0, effect) * np.where(p53 == "mutant", 1.6, 1.0))
    latent, censored = rng.exponential(scale), rng.uniform(200.0, 1800.0, n)
    time, event = np.minimum(latent, censored), latent <= censored
    grade = rng.choice(["low", "middle", "high"], n)
    return SurvivalData(
        np.ceil(time) if whole_days else time,
        event,
        arm.astype(object),
        strata=grade.astype(object),
        strata_names=("grade",),
        event_type=np.where(event, np.where(rng.random(n) < 0.8, "relapse", "death"), "").astype(object),
        cause=np.where(event & (rng.random(n) < 0.7), rng.choice(["residual growth", "TIS escape"], n), "").astype(
            object
        ),
        covariates=pd.DataFrame({"p53_status": p53, "grade": grade, "age": rng.normal(58, 9, n).round()}),
    )


#: Small tied two-arm data sets with at least one patient in each arm, for properties.
@st.composite
def small_trials(draw: st.DrawFn) -> SurvivalData:
    n = draw(st.integers(2, 30))
    time = draw(st.lists(st.integers(0, 25), min_size=n, max_size=n))
    event = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    arm = [
        "control",
        "senolytic",
        *draw(st.lists(st.sampled_from(["control", "senolytic"]), min_size=n - 2, max_size=n - 2)),
    ]
    return SurvivalData(np.array(time, dtype=float) * 30.0, np.array(event), np.array(arm, dtype=object))
