"""Random variates from a stream.

A uniform or exponential variate takes one word of its stream, always. Normal and gamma variates are drawn by rejection
and take as many as they need.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trialsim.chance.stream import Stream, word
from trialsim.compiling import compiled, inlined

_TO_53, _TO_52 = np.uint64(11), np.uint64(12)

#: Layers of equal area under the normal density, and where the tail begins (Doornik 2005).
_LAYERS, _TAIL = 256, 3.6541528853610088
_SIGN, _EIGHT, _ONE = np.uint64(_LAYERS - 1), np.uint64(8), np.uint64(1)


def _layers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ends of the layers, the lowest first (that of a rectangle as large as it with the tail), and densities."""
    area = _TAIL * math.exp(-0.5 * _TAIL**2) + math.sqrt(math.pi / 2.0) * math.erfc(_TAIL / math.sqrt(2.0))
    ends = [area / math.exp(-0.5 * _TAIL**2), _TAIL]
    while len(ends) < _LAYERS:
        ends.append(math.sqrt(-2.0 * math.log(area / ends[-1] + math.exp(-0.5 * ends[-1] ** 2))))
    return np.array([*ends, 0.0]), np.exp(-0.5 * np.array([*ends, 0.0]) ** 2)


_ENDS, _DENSITIES = _layers()


@inlined
def uniform(stream: Stream) -> float:
    """A number of [0, 1), a multiple of 2^-53."""
    return (word(stream) >> _TO_53) * 2.0**-53


@inlined
def _inside(stream: Stream) -> float:
    """A number strictly between 0 and 1: an odd multiple of 2^-53, as often near 0 as near 1."""
    return ((word(stream) >> _TO_52) + 0.5) * 2.0**-52


@compiled
def normal(stream: Stream) -> float:
    """A standard normal variate (ziggurat: Marsaglia & Tsang 2000, J Stat Softw 5(8), as Doornik 2005 mended it).

    One word for 99 % of variates: eight bits choose a layer, one the sign, and 53 others the place in the layer.
    """
    while True:
        bits = word(stream)
        layer = np.int64(bits & _SIGN)
        sign = 1.0 if (bits >> _EIGHT) & _ONE else -1.0
        x = (bits >> _TO_53) * 2.0**-53 * _ENDS[layer]
        if x < _ENDS[layer + 1]:
            return sign * x
        if layer == 0:
            return sign * _beyond(stream)
        share = uniform(stream)
        if _DENSITIES[layer] + share * (_DENSITIES[layer + 1] - _DENSITIES[layer]) < math.exp(-0.5 * x * x):
            return sign * x


@compiled
def _beyond(stream: Stream) -> float:
    """A normal variate that is known to be beyond the layers (Marsaglia 1964)."""
    while True:
        more = exponential(stream) / _TAIL
        if 2.0 * exponential(stream) > more * more:
            return _TAIL + more


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
