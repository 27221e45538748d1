"""The array API standard, chapter by chapter, and what agrad adds to it.

Gradient rules that run on Tensors find their functions here, as they find the array library's on raw arrays.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core import tape
from .activations import erf, gelu, log_softmax, logsumexp, relu, sigmoid, silu, softmax, softplus
from .creation import (
    arange,
    asarray,
    empty,
    empty_like,
    eye,
    from_dlpack,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    tensor,
    tril,
    triu,
    zeros,
    zeros_like,
)
from .data_type import astype, can_cast, finfo, iinfo, isdtype, result_type, to_device
from .elementwise import (
    abs,
    acos,
    acosh,
    add,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    ceil,
    clip,
    conj,
    copysign,
    cos,
    cosh,
    divide,
    equal,
    exp,
    expm1,
    floor,
    floor_divide,
    greater,
    greater_equal,
    hypot,
    imag,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    negative,
    nextafter,
    not_equal,
    positive,
    pow,
    real,
    reciprocal,
    remainder,
    round,
    sign,
    signbit,
    sin,
    sinh,
    sqrt,
    square,
    subtract,
    tan,
    tanh,
    trunc,
)
from .indexing import take, take_along_axis
from .linear_algebra import einsum, matmul, matrix_transpose, mm, tensordot, vecdot
from .manipulation import (
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    concat,
    expand_dims,
    flatten,
    flip,
    moveaxis,
    pad,
    permute_dims,
    repeat,
    reshape,
    roll,
    squeeze,
    stack,
    tile,
    transpose,
    unstack,
)
from .searching import argmax, argmin, count_nonzero, nonzero, searchsorted, where
from .sets import isin, unique_all, unique_counts, unique_inverse, unique_values
from .sorting import argsort, sort
from .statistical import cumulative_prod, cumulative_sum, max, mean, min, prod, std, sum, var
from .utility import all, any, diff, one_hot

from . import absent, methods  # isort: skip  # noqa: F401 - they add to Tensor, and need all of the above

tape.namespace = sys.modules[__name__]

__all__ = [
    "abs", "acos", "acosh", "add", "all", "any", "arange", "argmax", "argmin", "argsort", "asarray", "asin",
    "asinh", "astype", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "broadcast_arrays", "broadcast_shapes", "broadcast_to",
    "can_cast", "ceil", "clip", "concat", "conj", "copysign", "cos", "cosh", "count_nonzero", "cumulative_prod",
    "cumulative_sum", "diff", "divide", "einsum", "empty", "empty_like", "equal", "erf", "exp", "expand_dims",
    "expm1", "eye", "finfo", "flatten", "flip", "floor", "floor_divide", "from_dlpack", "full", "full_like", "gelu",
    "greater", "greater_equal", "hypot", "iinfo", "imag", "isdtype", "isfinite", "isin", "isinf", "isnan", "less",
    "less_equal", "linspace", "log", "log1p", "log2", "log10", "log_softmax", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logsumexp", "matmul", "matrix_transpose", "max", "maximum", "mean",
    "meshgrid", "min", "minimum", "mm", "moveaxis", "multiply", "negative", "nextafter", "nonzero", "not_equal",
    "one_hot", "ones", "ones_like", "pad", "permute_dims", "positive", "pow", "prod", "real", "reciprocal", "relu",
    "remainder", "repeat", "reshape", "result_type", "roll", "round", "searchsorted", "sigmoid", "sign", "signbit",
    "silu", "sin", "sinh", "softmax", "softplus", "sort", "sqrt", "square", "squeeze", "stack", "std", "subtract",
    "sum", "take", "take_along_axis", "tan", "tanh", "tensor", "tensordot", "tile", "to_device", "transpose",
    "tril", "triu", "trunc", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unstack", "var",
    "vecdot", "where", "zeros", "zeros_like",
]  # fmt: skip


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Find the standard's extensions, which stand above these chapters, when a rule on Tensors calls them."""
        if name not in ("fft", "linalg"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"..{name}", __name__)
