"""Run lifelines without its remarks.

lifelines warns on standard error about convergence and low variance, and NumPy about logarithms of zero at
the ends of a curve. The callers here check the numbers themselves and report what is missing as None, so a
remark in the middle of a command's output would tell the user nothing more.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def quietly() -> Iterator[None]:
    """Silence Python warnings and floating-point remarks inside the block, and restore both after it."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
