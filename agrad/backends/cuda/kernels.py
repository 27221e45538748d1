"""Elementwise functions as one kernel each, where CuPy would launch several."""

from __future__ import annotations

import cupy

__all__ = ["add_product", "add_quotient", "add_scaled", "interpolate", "real_sign", "where_nonzero"]

add_scaled = cupy.ElementwiseKernel("T x, float64 scale", "T y", "y += x * (T)scale", "agrad_add_scaled")
add_product = cupy.ElementwiseKernel(
    "T x1, T x2, float64 scale", "T y", "y += (x1 * x2) * (T)scale", "agrad_add_product"
)
add_quotient = cupy.ElementwiseKernel(
    "T x1, T x2, float64 scale", "T y", "y += (x1 / x2) * (T)scale", "agrad_add_quotient"
)
interpolate = cupy.ElementwiseKernel(
    "T x, float64 weight", "T y", "y = y * (T)(1 - weight) + x * (T)weight", "agrad_interpolate"
)
real_sign = cupy.ElementwiseKernel(
    "T x", "T y", "y = x > (T)0 ? (T)1 : x < (T)0 ? (T)-1 : x == (T)0 ? (T)0 : x", "agrad_sign"
)  # NaN for NaN, of which CuPy's sign is 0
where_nonzero = cupy.ElementwiseKernel(
    "T x, S condition", "T y", "y = condition != (S)0 ? x : (T)0", "agrad_where_nonzero"
)
