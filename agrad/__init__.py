"""Autograd for any array API library.

`Tensor` is an array of NumPy, CuPy or any other array API library that records how to differentiate what is computed
from it. This module is its array API namespace, with what autograd adds: `no_grad`, `gradients` and the like, devices,
random numbers; `nn`, `optim` and `data` hold what training needs.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING
from typing import Any as _Any

from .backends import devices, register_backend
from .core import tape as _tape
from .core.device import Device, get_device, set_device
from .core.dtypes import DType, as_dtype, get_default_dtype, set_default_dtype
from .core.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .core.gradients import gradients
from .core.primitive import ArrayLike, primitive
from .core.tensor import Tensor
from .interop import protocols as _protocols  # noqa: F401 - it binds NumPy's protocols to Tensor
from .interop.einops import register_with_einops as _register_with_einops
from .ops import (
    abs,
    acos,
    acosh,
    add,
    all,
    any,
    arange,
    argmax,
    argmin,
    argsort,
    asarray,
    asin,
    asinh,
    astype,
    atan,
    atan2,
    atanh,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    broadcast_arrays,
    broadcast_shapes,
    broadcast_to,
    can_cast,
    ceil,
    clip,
    concat,
    conj,
    copysign,
    cos,
    cosh,
    count_nonzero,
    cumulative_prod,
    cumulative_sum,
    diff,
    divide,
    einsum,
    empty,
    empty_like,
    equal,
    erf,
    exp,
    expand_dims,
    expm1,
    eye,
    finfo,
    flatten,
    flip,
    floor,
    floor_divide,
    from_dlpack,
    full,
    full_like,
    gelu,
    greater,
    greater_equal,
    hypot,
    iinfo,
    imag,
    isdtype,
    isfinite,
    isin,
    isinf,
    isnan,
    less,
    less_equal,
    linspace,
    log,
    log1p,
    log2,
    log10,
    log_softmax,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    logsumexp,
    matmul,
    matrix_transpose,
    max,
    maximum,
    mean,
    meshgrid,
    min,
    minimum,
    mm,
    moveaxis,
    multiply,
    negative,
    nextafter,
    nonzero,
    not_equal,
    one_hot,
    ones,
    ones_like,
    pad,
    permute_dims,
    positive,
    pow,
    prod,
    real,
    reciprocal,
    relu,
    remainder,
    repeat,
    reshape,
    result_type,
    roll,
    round,
    searchsorted,
    sigmoid,
    sign,
    signbit,
    silu,
    sin,
    sinh,
    softmax,
    softplus,
    sort,
    sqrt,
    square,
    squeeze,
    stack,
    std,
    subtract,
    sum,
    take,
    take_along_axis,
    tan,
    tanh,
    tensor,
    tensordot,
    tile,
    to_device,
    transpose,
    tril,
    triu,
    trunc,
    unique_all,
    unique_counts,
    unique_inverse,
    unique_values,
    unstack,
    var,
    vecdot,
    where,
    zeros,
    zeros_like,
)
from .ops.inspection import Info as _Info
from .random import bernoulli, manual_seed, normal, rand, randint, randn, randperm, uniform
from .spellings import answer_pytorch as _answer_pytorch
from .spellings import in_public as _in_public
from .spellings import missing as _missing

if TYPE_CHECKING:
    from . import amp, cuda, data, distributed, fft, linalg, metrics, nn, onnx, optim, random, special, testing
    from .amp import autocast
    from .compiler.compiled import compile
    from .inspection.anomaly import detect_anomaly
    from .inspection.draw import draw
    from .inspection.profile import profile
    from .inspection.summary import summary
    from .io import load, save
    from .ops.extra import (
        angle,
        apply_where,
        at,
        atleast_nd,
        cov,
        create_diagonal,
        deg2rad,
        isclose,
        kron,
        nan_to_num,
        nanmax,
        nanmean,
        nanmin,
        nansum,
        partition,
        rad2deg,
        setdiff1d,
        sinc,
        union1d,
    )
    from .transforms.checkpoint import checkpoint, is_recomputing
    from .transforms.grad import elementwise_grad, grad, value_and_grad
    from .transforms.hvp import hvp
    from .transforms.implicit import fixed_point, root
    from .transforms.jacobian import hessian, jacobian
    from .transforms.jvp import jvp
    from .transforms.stop_gradient import stop_gradient
    from .transforms.vjp import vjp
    from .transforms.vmap import vmap

bool: DType = as_dtype("bool")
int8: DType = as_dtype("int8")
int16: DType = as_dtype("int16")
int32: DType = as_dtype("int32")
int64: DType = as_dtype("int64")
uint8: DType = as_dtype("uint8")
uint16: DType = as_dtype("uint16")
uint32: DType = as_dtype("uint32")
uint64: DType = as_dtype("uint64")
float16: DType = as_dtype("float16")
bfloat16: DType = as_dtype("bfloat16")
float32: DType = as_dtype("float32")
float64: DType = as_dtype("float64")
complex64: DType = as_dtype("complex64")
complex128: DType = as_dtype("complex128")

newaxis = None
_tape.namespace = _import_module(__name__)  # gradient rules on Tensors find dtypes and constants here too
__array_api_version__ = "2025.12"
__version__ = "0.2.0.dev0"

__all__ = [
    "ArrayLike", "DType", "Device", "Tensor", "__array_api_version__", "__array_namespace_info__", "__version__",
    "abs", "acos", "acosh", "add", "all", "amp", "angle", "any", "apply_where", "arange", "argmax", "argmin",
    "argsort", "asarray", "asin", "asinh", "astype", "at", "atan", "atan2", "atanh", "atleast_nd", "autocast",
    "bernoulli", "bfloat16", "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "bool", "broadcast_arrays", "broadcast_shapes", "broadcast_to", "can_cast",
    "ceil", "checkpoint", "clip", "compile", "complex64", "complex128", "concat", "conj", "copysign", "cos", "cosh",
    "count_nonzero", "cov", "create_diagonal", "cuda", "cumulative_prod", "cumulative_sum", "data", "deg2rad",
    "detect_anomaly", "devices", "diff", "distributed", "divide", "draw", "e", "einsum", "elementwise_grad", "empty",
    "empty_like", "enable_grad", "equal", "erf", "exp", "expand_dims", "expm1", "eye", "fft", "finfo", "fixed_point",
    "flatten", "flip", "float16", "float32", "float64", "floor", "floor_divide", "from_dlpack", "full", "full_like",
    "gelu", "get_default_dtype", "get_device", "grad", "gradients", "greater", "greater_equal", "hessian", "hvp",
    "hypot", "iinfo", "imag", "inf", "int8", "int16", "int32", "int64", "is_grad_enabled", "is_recomputing", "isclose",
    "isdtype", "isfinite", "isin", "isinf", "isnan", "jacobian", "jvp", "kron", "less", "less_equal", "linalg",
    "linspace", "load", "log", "log1p", "log2", "log10", "log_softmax", "logaddexp", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logsumexp", "manual_seed", "matmul", "matrix_transpose", "max", "maximum", "mean",
    "meshgrid", "metrics", "min", "minimum", "mm", "moveaxis", "multiply", "nan", "nan_to_num", "nanmax", "nanmean",
    "nanmin", "nansum", "negative", "newaxis", "nextafter", "nn", "no_grad", "nonzero", "normal", "not_equal",
    "one_hot", "ones", "ones_like", "onnx", "optim", "pad", "partition", "permute_dims", "pi", "positive", "pow",
    "primitive", "prod", "profile", "rad2deg", "rand", "randint", "randn", "random", "randperm", "real", "reciprocal",
    "register_backend", "relu", "remainder", "repeat", "reshape", "result_type", "roll", "root", "round", "save",
    "searchsorted", "set_default_dtype", "set_device", "set_grad_enabled", "setdiff1d", "sigmoid", "sign", "signbit",
    "silu", "sin", "sinc", "sinh", "softmax", "softplus", "sort", "special", "sqrt", "square", "squeeze", "stack",
    "std", "stop_gradient", "subtract", "sum", "summary", "take", "take_along_axis", "tan", "tanh", "tensor",
    "tensordot", "testing", "tile", "to_device", "transpose", "tril", "triu", "trunc", "uint8", "uint16", "uint32",
    "uint64", "uniform", "union1d", "unique_all", "unique_counts", "unique_inverse", "unique_values", "unstack",
    "value_and_grad", "var", "vecdot", "vjp", "vmap", "where", "zeros", "zeros_like",
]  # fmt: skip


def __array_namespace_info__() -> _Info:  # noqa: N807 - the standard's name
    """Return what the array API standard lets libraries ask about this namespace.

    Examples
    --------
    >>> import agrad
    >>> agrad.__array_namespace_info__().default_dtypes()["real floating"]
    agrad.float32
    """
    return _Info()


# What a program may never need is imported when it is first asked for, so that `import agrad` stays quick.
_LAZY = {
    "amp": "amp",
    "angle": "ops.extra",
    "apply_where": "ops.extra",
    "at": "ops.extra",
    "atleast_nd": "ops.extra",
    "autocast": "amp",
    "checkpoint": "transforms.checkpoint",
    "compile": "compiler.compiled",
    "cov": "ops.extra",
    "create_diagonal": "ops.extra",
    "cuda": "cuda",
    "data": "data",
    "deg2rad": "ops.extra",
    "detect_anomaly": "inspection.anomaly",
    "distributed": "distributed",
    "draw": "inspection.draw",
    "elementwise_grad": "transforms.grad",
    "fft": "fft",
    "fixed_point": "transforms.implicit",
    "grad": "transforms.grad",
    "hessian": "transforms.jacobian",
    "hvp": "transforms.hvp",
    "is_recomputing": "transforms.checkpoint",
    "isclose": "ops.extra",
    "jacobian": "transforms.jacobian",
    "jvp": "transforms.jvp",
    "kron": "ops.extra",
    "linalg": "linalg",
    "load": "io",
    "metrics": "metrics",
    "nan_to_num": "ops.extra",
    "nanmax": "ops.extra",
    "nanmean": "ops.extra",
    "nanmin": "ops.extra",
    "nansum": "ops.extra",
    "nn": "nn",
    "onnx": "onnx",
    "optim": "optim",
    "partition": "ops.extra",
    "profile": "inspection.profile",
    "rad2deg": "ops.extra",
    "random": "random",
    "root": "transforms.implicit",
    "save": "io",
    "setdiff1d": "ops.extra",
    "sinc": "ops.extra",
    "special": "special",
    "stop_gradient": "transforms.stop_gradient",
    "summary": "inspection.summary",
    "testing": "testing",
    "union1d": "ops.extra",
    "value_and_grad": "transforms.grad",
    "vjp": "transforms.vjp",
    "vmap": "transforms.vmap",
}


def __getattr__(name: str) -> _Any:
    if name not in _LAZY:
        raise _missing(__name__, name)
    module = _import_module(f".{_LAZY[name]}", __name__)
    found = module if _LAZY[name] == name else _in_public(getattr(module, name), __name__)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


_answer_pytorch()
_register_with_einops()
