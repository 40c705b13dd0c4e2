"""Random variates from a stream.

A uniform, normal or exponential variate takes one word of its stream, always: what is drawn after it does not depend on
its value, nor on its law. A gamma variate is drawn by rejection and takes as many as it needs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.chance.stream import Stream, word
from trialsim.compiling import compiled, inlined

_TO_53, _TO_52 = np.uint64(11), np.uint64(12)

#: Coefficients of AS 241: those of the numerator and of the denominator, of the highest power first.
_CENTRE = np.array(
    [
        (2509.0809287301226727, 5226.495278852545925),
        (33430.575583588128105, 28729.085735721942674),
        (67265.770927008700853, 39307.89580009271061),
        (45921.953931549871457, 21213.794301586595867),
        (13731.693765509461125, 5394.1960214247511077),
        (1971.5909503065514427, 687.1870074920579083),
        (133.14166789178437745, 42.313330701600911252),
        (3.387132872796366608, 1.0),
    ]
)
_TAIL = np.array(
    [
        (7.7454501427834140764e-4, 1.05075007164441684324e-9),
        (0.0227238449892691845833, 5.475938084995344946e-4),
        (0.24178072517745061177, 0.0151986665636164571966),
        (1.27045825245236838258, 0.14810397642748007459),
        (3.64784832476320460504, 0.68976733498510000455),
        (5.7694972214606914055, 1.6763848301838038494),
        (4.6303378461565452959, 2.05319162663775882187),
        (1.42343711074968357734, 1.0),
    ]
)
_FAR_TAIL = np.array(
    [
        (2.01033439929228813265e-7, 2.04426310338993978564e-15),
        (2.71155556874348757815e-5, 1.4215117583164458887e-7),
        (0.0012426609473880784386, 1.8463183175100546818e-5),
        (0.026532189526576123093, 7.868691311456132591e-4),
        (0.29656057182850489123, 0.0148753612908506148525),
        (1.7848265399172913358, 0.13692988092273580531),
        (5.4637849111641143699, 0.59983220655588793769),
        (6.6579046435011037772, 1.0),
    ]
)


@inlined
def uniform(stream: Stream) -> float:
    """A number of [0, 1), a multiple of 2^-53."""
    return (word(stream) >> _TO_53) * 2.0**-53


@inlined
def _inside(stream: Stream) -> float:
    """A number strictly between 0 and 1: an odd multiple of 2^-53, as often near 0 as near 1."""
    return ((word(stream) >> _TO_52) + 0.5) * 2.0**-52


@inlined
def normal(stream: Stream) -> float:
    """A standard normal variate, by inversion: the bits are a number from -1/2 to 1/2, and its sign is the variate's.

    In the tails the number is as fine as a double is there, down to 2^-65.
    """
    p = (np.int64(word(stream)) + 0.5) * 2.0**-64
    return math.copysign(upper_quantile(abs(p)), p)


@inlined
def exponential(stream: Stream) -> float:
    """An exponential variate with mean 1, by inversion."""
    return -math.log(_inside(stream))


@compiled
def gamma(shape: float, stream: Stream) -> float:
    """A gamma variate with a shape and scale 1; 0 for a shape of 0.

    Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000): 363-372; below a shape of 1 their
    gamma(shape + 1) x U^(1/shape).
    """
    if shape <= 0.0:
        return 0.0
    raised = shape if shape >= 1.0 else shape + 1.0
    d = raised - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(stream)
        u = _inside(stream)
        cube = 1.0 + c * x
        if cube <= 0.0:
            continue
        v = cube * cube * cube
        x2 = x * x
        # The first is quick to reckon and implies the second; it lets 97 % and more pass.
        if u < 1.0 - 0.0331 * x2 * x2 or math.log(u) < 0.5 * x2 + d * (1.0 - v + math.log(v)):
            break
    return d * v if shape >= 1.0 else d * v * _inside(stream) ** (1.0 / shape)


@inlined
def upper_quantile(p: float) -> float:
    """What a standard normal variate exceeds with probability ``p``, above 0 and at most 1/2.

    Wichura, algorithm AS 241, Applied Statistics 37 (1988): 477-484, to 16 figures.
    """
    q = 0.5 - p
    if q <= 0.425:
        return q * _ratio(0.180625 - q * q, _CENTRE)
    r = math.sqrt(-math.log(p))
    return _ratio(r - 1.6, _TAIL) if r <= 5.0 else _ratio(r - 5.0, _FAR_TAIL)


@inlined
def _ratio(r: float, coefficients: NDArray[np.float64]) -> float:
    above, below = coefficients[0]
    for at in range(1, 8):
        above, below = above * r + coefficients[at, 0], below * r + coefficients[at, 1]
    return above / below
