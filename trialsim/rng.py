"""Random streams, keyed by what they are for.

A run has one seed. Every use of chance draws from its own stream, whose key is (replicate, subject,
purpose) and holds neither the arm nor a sweep point. So a result does not depend on how many jobs ran,
in which order, or on other patients; and the same patient meets the same chance under every arm.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for. The integers are part of the file format of a run: never renumber or reuse."""

    TRAITS = 1
    LESIONS = 2
    CELLS = 3
    ASSESSMENT = 5
    BACKGROUND_DEATH = 6
    DROPOUT = 7
    POST_RELAPSE = 8
    VISITS = 9
    BIOMARKER = 10
    KINETICS = 11
    NEUTROPHILS = 12
    ADHERENCE = 13
    TOXIC_DEATH = 14
    ACCRUAL = 20
    SITE = 21
    RANDOMISATION = 22
    SITE_START = 23
    SCREENING = 24
    SAMPLING = 30
    LOST = 41
    NEW_THERAPY = 42
    VISIT_WINDOW = 43
    MISSED_VISIT = 44
    AFTER_RELAPSE = 45
    LAW = 46
    REPLICATES = 60


#: The subject number of streams that belong to the trial and not to a patient.
TRIAL = 0


def stream(
    seed: int, purpose: Purpose, *, subject: int = TRIAL, replicate: int = 0, part: int | None = None
) -> np.random.Generator:
    """The generator for one purpose of one subject.

    ``subject`` is the patient's number, counted from 1, or a stratum's number where the purpose is
    the trial's own; :data:`TRIAL` when there is only one. ``part`` parts a purpose further, for uses of chance that may
    come and go without touching each other. Streams with different keys are independent (NumPy ``SeedSequence``
    spawning).
    """
    key = (replicate, subject, int(purpose), *(() if part is None else (part,)))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
