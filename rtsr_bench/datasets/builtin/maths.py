"""Sine, exponential and friends from IEEE-exact operations only: the same bits from every CPU and every library.

`math.sin` and `numpy.exp` call the platform's C library or a SIMD variant and differ in the last bit between machines.
Here only +, -, *, /, square root, comparison and truncation are used, each of which IEEE 754 defines to the bit.
Accurate to about 1e-13 for the arguments pictures need (|angle| < 1e6).
"""

from __future__ import annotations

from math import sqrt

from rtsr_bench.datasets.builtin.kernels import kernel

PI = 3.141592653589793
TAU = 6.283185307179586
# pi/2 in two parts (Cody and Waite): the first has 33 bits, so k * HALF_PI_HIGH is exact for |k| < 2**20.
HALF_PI_HIGH = 1.5707963267341256
HALF_PI_LOW = 6.077100506506192e-11
LN2 = 0.6931471805599453
LN2_HIGH = 0.693147180369123816490
LN2_LOW = 1.90821492927058770002e-10


@kernel
def floor(x: float) -> int:
    """Largest integer not above x."""
    i = int(x)
    return i - 1 if i > x else i


@kernel
def clamp(x: float, low: float, high: float) -> float:
    """x, kept within [low, high]."""
    return low if x < low else min(x, high)


@kernel
def mix(a: float, b: float, t: float) -> float:
    """A at t = 0, b at t = 1, a straight line between."""
    return a + (b - a) * t


@kernel
def smooth(low: float, high: float, x: float) -> float:
    """Hermite step: 0 up to `low`, 1 from `high`, 3t^2 - 2t^3 between."""
    t = clamp((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@kernel
def _sine_core(r: float) -> float:
    """Taylor series of the sine on |r| <= pi/4, to the 15th power."""
    z = r * r
    p = 1.0 - z / 210.0
    p = 1.0 - z / 156.0 * p
    p = 1.0 - z / 110.0 * p
    p = 1.0 - z / 72.0 * p
    p = 1.0 - z / 42.0 * p
    p = 1.0 - z / 20.0 * p
    p = 1.0 - z / 6.0 * p
    return r * p


@kernel
def _cosine_core(r: float) -> float:
    """Taylor series of the cosine on |r| <= pi/4, to the 16th power."""
    z = r * r
    p = 1.0 - z / 240.0
    p = 1.0 - z / 182.0 * p
    p = 1.0 - z / 132.0 * p
    p = 1.0 - z / 90.0 * p
    p = 1.0 - z / 56.0 * p
    p = 1.0 - z / 30.0 * p
    p = 1.0 - z / 12.0 * p
    return 1.0 - z / 2.0 * p


@kernel
def sine(x: float) -> float:
    """Sine of an angle in radians."""
    k = floor(x / 1.5707963267948966 + 0.5)
    r = (x - k * HALF_PI_HIGH) - k * HALF_PI_LOW
    quadrant = k & 3
    value = _cosine_core(r) if quadrant & 1 else _sine_core(r)
    return -value if quadrant & 2 else value


@kernel
def cosine(x: float) -> float:
    """Cosine of an angle in radians."""
    k = floor(x / 1.5707963267948966 + 0.5)
    r = (x - k * HALF_PI_HIGH) - k * HALF_PI_LOW
    quadrant = k & 3
    value = _sine_core(r) if quadrant & 1 else _cosine_core(r)
    return -value if (quadrant + 1) & 2 else value  # quadrants 1 and 2


@kernel
def exponential(x: float) -> float:
    """E to the x, for -700 <= x <= 700 (clamped there)."""
    x = clamp(x, -700.0, 700.0)
    k = floor(x / LN2 + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    p = 1.0
    for i in range(14, 0, -1):
        p = 1.0 + r / i * p
    # A power of two is exact, whichever way it is come by.
    step = 2.0 if k > 0 else 0.5
    for _ in range(abs(k)):
        p *= step
    return p


@kernel
def logarithm(x: float) -> float:
    """Natural logarithm of a positive number."""
    k = 0
    while x > 1.4142135623730951:
        x *= 0.5
        k += 1
    while x < 0.7071067811865476:
        x *= 2.0
        k -= 1
    s = (x - 1.0) / (x + 1.0)
    z = s * s
    p = 1.0 / 21.0
    for i in range(19, 0, -2):
        p = 1.0 / i + z * p
    return k * LN2_LOW + 2.0 * s * p + k * LN2_HIGH


@kernel
def power(x: float, y: float) -> float:
    """X to the y, for x >= 0."""
    return 0.0 if x <= 0.0 else exponential(y * logarithm(x))


@kernel
def arctangent(x: float) -> float:
    """Arc tangent, in [-pi/2, pi/2]."""
    a = abs(x)
    offset = 0.0
    sign = 1.0
    if a > 1.0:
        a = 1.0 / a
        offset = 1.5707963267948966
        sign = -1.0
    # Halved twice by atan(a) = 2 atan(a / (1 + sqrt(1 + a^2))), after which the series is short.
    a = a / (1.0 + sqrt(1.0 + a * a))
    a = a / (1.0 + sqrt(1.0 + a * a))
    z = a * a
    p = 1.0 / 23.0
    for i in range(21, 0, -2):
        p = 1.0 / i - z * p
    value = offset + sign * 4.0 * a * p
    return -value if x < 0.0 else value


@kernel
def angle(y: float, x: float) -> float:
    """Angle of the vector (x, y) in (-pi, pi]; 0 for the null vector."""
    if x == 0.0:
        return 0.0 if y == 0.0 else (PI / 2.0 if y > 0.0 else -PI / 2.0)
    value = arctangent(y / x)
    if x < 0.0:
        return value + PI if y >= 0.0 else value - PI
    return value
