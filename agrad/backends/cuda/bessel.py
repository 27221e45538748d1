"""Scaled modified Bessel functions. CuPy's ``exp(-x) * i0(x)`` is 0 times infinity, NaN, for large `x`.

Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 10.40.1.
"""

from __future__ import annotations

from math import factorial, prod

import cupy

__all__ = ["i0e", "i1e"]

_TERMS = 24  # at x = 30, from which on the expansion is used, the first omitted term is below 1e-16 of the sum


def _expansion(order: int) -> str:
    """Return the coefficients of ``sqrt(2 pi x) exp(-x) I(x)`` as a series in ``1 / x``, as a C array initializer."""
    numbers = []
    for k in range(_TERMS):
        factors = [(2 * j - 1) ** 2 - 4 * order**2 for j in range(1, k + 1)]
        numbers.append(repr(prod(factors) / (factorial(k) * 8.0**k)))
    return ", ".join(numbers)


def _scaled(order: int) -> cupy.ElementwiseKernel:
    source = f"""
    __device__ double agrad_i{order}e(double x) {{
        const double expansion[] = {{{_expansion(order)}}};
        if (!(x >= 30.0))
            return exp(-x) * cyl_bessel_i{order}(x);
        double sum = 0.0;
        for (int k = {_TERMS - 1}; k >= 0; --k)
            sum = sum / x + expansion[k];
        return sum / sqrt(6.283185307179586 * x);
    }}
    """
    sign = "x < (T)0 ? -1.0 : 1.0" if order % 2 else "1.0"
    operation = f"y = (T)(({sign}) * agrad_i{order}e(fabs((double)x)))"
    return cupy.ElementwiseKernel("T x", "T y", operation, f"agrad_i{order}e_kernel", preamble=source)


i0e = _scaled(0)
i1e = _scaled(1)
