"""One row per op: what it is called with, NumPy's answer, and how far its derivatives go.

A row reads ``case("tanh", [real(2, 3)], np.tanh)``: the op's name in agrad (dotted where it is deeper), its arguments,
a NumPy function that takes the same arguments and settings. ``tests/ops/test_cases.py`` runs each row on each device.
A primitive without a row here is a failing test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special

import agrad
from agrad.backends.sliding_windows import Windows
from tests import references


@dataclass(frozen=True)
class Case:
    """A call of an op.

    Attributes
    ----------
    op : str
        Where the op is found in agrad.
    args : list
        Makers of arrays, lists of them, and settings that are passed on as they are.
    reference : callable
        The same on NumPy arrays.
    kwargs : dict
        Settings by keyword, of the op and of the reference.
    complex : bool
        Whether it takes complex numbers too.
    order : int
        The highest order of derivative to check; 0 where there is none.
    tolerance : float
        Of the values in double precision, relative and absolute.
    call : callable, optional
        Calls the op where it wants its arguments otherwise than the reference.
    note : str
        Tells rows of one op apart.
    """

    op: str
    args: list[Any]
    reference: Callable[..., Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    complex: bool = False
    order: int = 2
    tolerance: float = 1e-12
    call: Callable[..., Any] | None = None
    note: str = ""

    def run(self, op: Callable[..., Any], args: list[Any]) -> Any:
        """Call the op with arguments that were made."""
        return self.call(op, *args, **self.kwargs) if self.call else op(*args, **self.kwargs)

    def __str__(self) -> str:
        settings = [self.note] if self.note else [f"{name}={value}" for name, value in self.kwargs.items()]
        return "-".join([self.op, *settings])


def case(op: str, args: list[Any], reference: Callable[..., Any], note: str = "", **settings: Any) -> Case:
    """Make a row; what is no attribute of `Case` is a setting of the op."""
    own = {name: settings.pop(name) for name in ("complex", "order", "tolerance", "call") if name in settings}
    return Case(op, args, reference, settings, note=note, **own)


# Makers: random numbers of a shape, in the domain where the op is smooth

Maker = Callable[[np.random.Generator], "np.ndarray[Any, Any]"]


def real(*shape: int, low: float = -2.0, high: float = 2.0) -> Maker:
    """Numbers from low to high."""
    return lambda random: np.asarray(random.uniform(low, high, shape))


def positive(*shape: int) -> Maker:
    """Numbers from 0.5 to 2."""
    return real(*shape, low=0.5, high=2.0)


def unit(*shape: int) -> Maker:
    """Numbers from -0.8 to 0.8."""
    return real(*shape, low=-0.8, high=0.8)


def nonzero(*shape: int) -> Maker:
    """Numbers of both signs, at least 0.3 away from 0."""
    return lambda random: np.asarray(random.uniform(0.3, 2.0, shape) * random.choice([-1.0, 1.0], shape))


def distinct(*shape: int) -> Maker:
    """Numbers of which no two are close, none close to an integer."""
    n = math.prod(shape)
    return lambda random: np.reshape(random.permutation(n) * 0.7 - 0.35 * n + 0.13, shape)


def whole(*shape: int, low: int = 0, high: int = 4) -> Maker:
    """Integers from low to high - 1."""
    return lambda random: np.asarray(random.integers(low, high, shape))


def truth(*shape: int) -> Maker:
    """Booleans."""
    return lambda random: np.asarray(random.integers(0, 2, shape), dtype=bool)


def exactly(*values: Any, dtype: str = "float64") -> Maker:
    """These numbers."""
    return lambda random: np.asarray(values[0] if len(values) == 1 else values, dtype=dtype)


def regular(*shape: int) -> Maker:
    """Matrices with singular values and eigenvalues that are neither close to 0 nor to each other."""
    main = np.eye(*shape[-2:]) * np.arange(1.0, shape[-1] + 1)
    return lambda random: np.asarray(2 * main + random.uniform(-0.4, 0.4, shape))


# What NumPy lacks


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    shifted = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def nll(logs: Any, target: Any, reduction: str = "mean") -> Any:
    losses = -logs[np.arange(len(target)), target]
    reductions: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
    return reductions[reduction](losses)


def softmax_nll(
    scores: Any,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: Any = None,
    label_smoothing: Any = 0,
) -> Any:
    logs, counts = np.log(softmax(scores)), target != ignore_index
    weight = np.ones(scores.shape[1]) if weight is None else np.asarray(weight)
    valid = (target >= 0) & (target < len(weight))
    own = weight[np.where(valid, target, 0)] * counts
    losses = -(1 - label_smoothing) * own * logs[np.arange(len(target)), np.where(valid, target, 0)]
    losses -= label_smoothing / len(weight) * counts * (logs @ weight)
    losses = np.where(counts & ~valid, np.nan, losses)
    return {"mean": losses.sum() / own.sum(), "sum": losses.sum(), "none": losses}[reduction]


def bias_relu(arrays: Any, axis: int) -> Any:
    x, bias = arrays
    return np.maximum(x + np.reshape(bias, (-1, *[1] * (x.ndim - 1 - axis))), 0)


def standardize(x: Any, axis: Any, eps: float) -> Any:
    return (x - np.mean(x, axis, keepdims=True)) / np.sqrt(np.var(x, axis, keepdims=True) + eps)


erf = np.vectorize(math.erf, otypes=[float])


def gelu(x: Any) -> Any:
    return x * (1 + erf(x / math.sqrt(2))) / 2


def gelu_tanh(x: Any, approximate: str) -> Any:
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def pad(x: Any, width: Any, constant_values: float = 0.0) -> Any:
    return np.pad(x, width, constant_values=constant_values)


def there_and_back(move: Any, x: Any) -> Any:
    """Carry a Tensor to another device and back; `to_device` is what records `move`."""
    return agrad.to_device(agrad.to_device(x, "strict:device1"), x.device)


def vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    return np.sum(np.conj(x) * y, axis=axis)


ELEMENTWISE_UNARY = [
    case("abs", [nonzero(2, 3)], np.abs, complex=True),
    case("acos", [unit(2, 3)], np.arccos, complex=True),
    case("acosh", [real(2, 3, low=1.5, high=3.0)], np.arccosh, complex=True),
    case("asin", [unit(2, 3)], np.arcsin, complex=True),
    case("asinh", [real(2, 3)], np.arcsinh, complex=True),
    case("atan", [real(2, 3)], np.arctan, complex=True),
    case("atanh", [unit(2, 3)], np.arctanh, complex=True),
    case("bitwise_invert", [whole(2, 3)], np.bitwise_invert),
    case("ceil", [distinct(2, 3)], np.ceil),
    case("conj", [real(2, 3)], np.conj, complex=True),
    case("cos", [real(2, 3)], np.cos, complex=True),
    case("cosh", [real(2, 3)], np.cosh, complex=True),
    case("exp", [real(2, 3)], np.exp, complex=True),
    case("expm1", [real(2, 3)], np.expm1, complex=True),
    case("floor", [distinct(2, 3)], np.floor),
    case("imag", [lambda random: random.normal(size=(2, 3)) + 1j * random.normal(size=(2, 3))], np.imag),
    case("isfinite", [exactly(1.0, math.inf, math.nan)], np.isfinite),
    case("isinf", [exactly(1.0, math.inf, math.nan)], np.isinf),
    case("isnan", [exactly(1.0, math.inf, math.nan)], np.isnan),
    case("log", [positive(2, 3)], np.log, complex=True),
    case("log10", [positive(2, 3)], np.log10, complex=True),
    case("log1p", [real(2, 3, low=-0.5)], np.log1p, complex=True),
    case("log2", [positive(2, 3)], np.log2, complex=True),
    case("logical_not", [truth(2, 3)], np.logical_not),
    case("negative", [real(2, 3)], np.negative, complex=True),
    case("positive", [real(2, 3)], np.positive, complex=True),
    case("real", [real(2, 3)], np.real, complex=True),
    case("reciprocal", [nonzero(2, 3)], np.reciprocal, complex=True),
    case("round", [distinct(2, 3)], np.round),
    case("sign", [nonzero(2, 3)], np.sign, complex=True),
    case("signbit", [nonzero(2, 3)], np.signbit),
    case("sin", [real(2, 3)], np.sin, complex=True),
    case("sinh", [real(2, 3)], np.sinh, complex=True),
    case("sqrt", [positive(2, 3)], np.sqrt, complex=True),
    case("square", [real(2, 3)], np.square, complex=True),
    case("tan", [unit(2, 3)], np.tan, complex=True),
    case("tanh", [real(2, 3)], np.tanh, complex=True),
    case("trunc", [distinct(2, 3)], np.trunc),
    case("ops.elementwise.hyperbolic.sech_squared", [real(2, 3)], lambda x: 1 / np.cosh(x) ** 2, complex=True),
    case("ops.elementwise.slopes.atanh_slope", [unit(2, 3)], lambda x: 1 / (1 - x * x), complex=True),
    case("ops.elementwise.slopes.cosine_of_sine", [unit(2, 3)], lambda x: np.sqrt(1 - x * x), complex=True),
]

ELEMENTWISE_BINARY = [
    case("add", [real(2, 3), real(3)], np.add, complex=True),
    case("atan2", [nonzero(2, 3), nonzero(3)], np.arctan2),
    case("bitwise_and", [whole(2, 3), whole(3)], np.bitwise_and),
    case("bitwise_left_shift", [whole(2, 3), whole(3)], np.bitwise_left_shift),
    case("bitwise_or", [whole(2, 3), whole(3)], np.bitwise_or),
    case("bitwise_right_shift", [whole(2, 3, high=64), whole(3)], np.bitwise_right_shift),
    case("bitwise_xor", [whole(2, 3), whole(3)], np.bitwise_xor),
    case("copysign", [nonzero(2, 3), nonzero(3)], np.copysign),
    case("divide", [real(2, 3), nonzero(3)], np.divide, complex=True),
    case("equal", [whole(2, 3), whole(3)], np.equal),
    case("floor_divide", [distinct(2, 3), exactly(0.9, -1.1, 1.7)], np.floor_divide),
    case("greater", [real(2, 3), real(3)], np.greater),
    case("greater_equal", [whole(2, 3), whole(3)], np.greater_equal),
    case("hypot", [nonzero(2, 3), nonzero(3)], np.hypot),
    case("less", [real(2, 3), real(3)], np.less),
    case("less_equal", [whole(2, 3), whole(3)], np.less_equal),
    case("logaddexp", [real(2, 3), real(3)], np.logaddexp),
    case("logical_and", [truth(2, 3), truth(3)], np.logical_and),
    case("logical_or", [truth(2, 3), truth(3)], np.logical_or),
    case("logical_xor", [truth(2, 3), truth(3)], np.logical_xor),
    case("maximum", [distinct(2, 3), exactly(0.5, -0.7, 0.1)], np.maximum),
    case("minimum", [distinct(2, 3), exactly(0.5, -0.7, 0.1)], np.minimum),
    case("multiply", [real(2, 3), real(3)], np.multiply, complex=True),
    case("nextafter", [real(2, 3), real(3)], np.nextafter),
    case("not_equal", [whole(2, 3), whole(3)], np.not_equal),
    case("pow", [positive(2, 3), real(3)], np.power, complex=True),
    case("pow", [nonzero(2, 3), 3.0], np.power, "a whole power"),
    case("pow", [2.0, real(2, 3)], np.power, "of a number"),
    case("remainder", [distinct(2, 3), exactly(0.9, -1.1, 1.7)], np.remainder),
    case("subtract", [real(2, 3), real(3)], np.subtract, complex=True),
    case("clip", [distinct(2, 3), -0.6, 0.9], np.clip),
    case("clip", [distinct(2, 3), exactly(-0.6, -0.7, -0.8), exactly(0.9, 0.8, 0.7)], np.clip, "arrays"),
    case("clip", [distinct(2, 3), None, exactly(0.9)], np.clip, "one side"),
    case("where", [truth(2, 3), real(2, 3), real(3)], np.where, complex=True),
]

STATISTICAL = [
    case("cumulative_prod", [real(2, 4)], np.cumulative_prod, axis=1, complex=True),
    case("cumulative_prod", [real(2, 3)], np.cumulative_prod, axis=0, include_initial=True),
    case("cumulative_sum", [real(2, 4)], np.cumulative_sum, axis=1, complex=True),
    case("cumulative_sum", [real(2, 3)], np.cumulative_sum, axis=0, include_initial=True),
    case("max", [distinct(2, 3)], np.max),
    case("max", [distinct(2, 3, 2)], np.max, axis=(0, 2)),
    case("max", [distinct(2, 3)], np.max, axis=-1, keepdims=True),
    case("mean", [real(2, 3)], np.mean, complex=True),
    case("mean", [real(2, 3, 2)], np.mean, axis=(0, 2)),
    case("mean", [real(2, 3)], np.mean, axis=-1, keepdims=True),
    case("min", [distinct(2, 3)], np.min),
    case("min", [distinct(2, 3, 2)], np.min, axis=(0, 2)),
    case("min", [distinct(2, 3)], np.min, axis=-1, keepdims=True),
    case("prod", [real(2, 3)], np.prod, complex=True),
    case("prod", [real(2, 3, 2)], np.prod, axis=(0, 2)),
    case("prod", [real(2, 3)], np.prod, axis=-1, keepdims=True),
    case("prod", [exactly([[0.0, 2.0, 3.0], [0.0, 0.0, 1.5]])], np.prod, "zeros", axis=1),
    case("ops.statistical.balance", [real(2, 3)], np.ones_like, order=0),
    case("std", [real(2, 3)], np.std, complex=True),
    case("std", [real(2, 3, 2)], np.std, axis=(0, 2), correction=1, complex=True),
    case("std", [real(2, 3)], np.std, axis=-1, keepdims=True, complex=True),
    case("sum", [real(2, 3)], np.sum, complex=True),
    case("sum", [real(2, 3, 2)], np.sum, axis=(0, 2)),
    case("sum", [real(2, 3)], np.sum, axis=-1, keepdims=True),
    case("sum", [real(2, 3)], np.sum, axis=()),
    case("var", [real(2, 3)], np.var, complex=True),
    case("var", [real(2, 3, 2)], np.var, axis=(0, 2), correction=1, complex=True),
    case("var", [real(2, 3)], np.var, axis=-1, keepdims=True, complex=True),
    case("all", [truth(2, 3)], np.all, axis=1),
    case("any", [truth(2, 3)], np.any, axis=1),
    case("diff", [real(2, 4)], np.diff, n=2),
    case(
        "diff",
        [real(2, 4), real(2, 1), real(2, 2)],
        lambda x, before, behind: np.diff(x, prepend=before, append=behind),
        "both ends",
        call=lambda op, x, before, behind: op(x, prepend=before, append=behind),
    ),
]

MANIPULATION = [
    case("broadcast_arrays", [real(2, 1), real(3)], np.broadcast_arrays),
    case("broadcast_to", [real(3, 1), (2, 3, 2)], np.broadcast_to, complex=True),
    case("concat", [[real(2, 3), real(1, 3), real(2, 3)]], np.concat, axis=0, complex=True),
    case("concat", [[real(2, 3), real(2)]], lambda xs, axis: np.concat([x.ravel() for x in xs]), axis=None),
    case("expand_dims", [real(2, 3)], np.expand_dims, axis=1),
    case("expand_dims", [real(2, 3)], np.expand_dims, axis=(0, -1)),
    case("flip", [real(2, 3)], np.flip),
    case("flip", [real(2, 3, 2)], np.flip, axis=(0, -1)),
    case("moveaxis", [real(2, 3, 4), 0, -1], np.moveaxis),
    case("moveaxis", [real(2, 3, 4), (0, 1), (-1, 0)], np.moveaxis, "two"),
    case("permute_dims", [real(2, 3, 4), (2, 0, 1)], np.permute_dims, complex=True),
    case("permute_dims", [real(2, 3, 4), (-1, 0, -2)], np.permute_dims, "negative axes"),
    case("repeat", [real(2, 3), 2], lambda x, n: np.repeat(x, n)),
    case("repeat", [real(2, 3), 2], np.repeat, axis=1),
    case("repeat", [real(2, 3), exactly(2, 0, 1, dtype="int64")], np.repeat, "array", axis=1),
    case("reshape", [real(2, 3), (3, 2)], np.reshape, complex=True),
    case("reshape", [real(2, 3), (-1,)], np.reshape, "inferred"),
    case("roll", [real(2, 3), 2], np.roll),
    case("roll", [real(2, 3), (1, -1)], np.roll, axis=(0, 1)),
    case("squeeze", [real(2, 1, 3, 1)], np.squeeze, axis=(1, -1)),
    case("stack", [[real(2, 3), real(2, 3)]], np.stack, axis=1, complex=True),
    case("tile", [real(2, 3), (2, 2)], np.tile),
    case("tril", [real(3, 4)], np.tril, k=-1),
    case("triu", [real(2, 3, 4)], np.triu, k=1),
    case("unstack", [real(2, 3)], np.unstack, axis=1, complex=True),
    case("meshgrid", [real(2), real(3)], np.meshgrid, indexing="ij"),
    case("pad", [real(2, 3), ((1, 0), (0, 2))], pad),
    case("pad", [real(2, 3), 1], pad, constant_values=7.0),
    case("ops.data_type.cast", [real(2, 3), "complex128"], lambda x, dtype: x.astype(dtype)),
    case("astype", [real(2, 3), "complex128"], lambda x, dtype: x.astype(dtype)),
    case("ops.data_type.move", [real(2, 3)], np.asarray, call=there_and_back),
]


def at(key: Any) -> Callable[..., Any]:
    """Return the function that reads at a key."""
    return lambda *args: args[-1][key]


def put_at(key: Any) -> Callable[..., Any]:
    """Return the function that writes at a key of a copy, which works on Tensors and on NumPy arrays."""

    def put(*args: Any) -> Any:
        *_, x, value = args
        x = x + 0
        x[key] = value
        return x

    return put


def indexed(key: Any, note: str) -> Case:
    """Make the row that reads at a key."""
    return case("ops.indexing.getitem", [real(3, 4, 2)], at(key), note, call=at(key))


def written(key: Any, shape: tuple[int, ...], note: str) -> Case:
    """Make the row that writes at a key."""
    return case("ops.indexing.setitem", [real(3, 4, 2), real(*shape)], put_at(key), note, call=put_at(key))


def add_at(x: Any, indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
    total = np.zeros(shape, dtype=x.dtype)
    np.add.at(total, (slice(None),) * axis + (indices,), x)
    return total


def add_along_axis(x: Any, indices: Any, axis: int, length: int) -> Any:
    total = np.zeros((*x.shape[:axis], length, *x.shape[axis + 1 :]), dtype=x.dtype)
    for place in np.ndindex(x.shape):
        target = (*place[:axis], indices[place], *place[axis + 1 :])
        total[target] += x[place]
    return total


def put(x: Any, values: Any, indices: Any, axis: int) -> Any:
    x = x.copy()
    x[(slice(None),) * axis + (indices,)] = values
    return x


def paste(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    total = np.zeros(shape, dtype=x.dtype)
    total[key] = x
    return total


def overwrite(x: Any, value: Any, key: Any) -> Any:
    x = x.copy()
    x[key] = value
    return x


MASK = np.asarray([[True, False, False, True], [False, False, True, False], [True, True, False, False]])
REPEATED = exactly(2, 0, 2, dtype="int64")

INDEXING = [
    case("take", [real(3, 4), whole(5, high=3)], np.take, axis=0, complex=True),
    case("take", [real(3, 4), exactly(-1, 0, dtype="int64")], np.take, axis=1),
    case("take", [real(3, 4), whole(2, 3, high=4)], np.take, "a matrix of indices", axis=1),
    case("take_along_axis", [real(3, 4), whole(3, 2, high=4)], np.take_along_axis, axis=1),
    case("take_along_axis", [real(3, 4), whole(2, 4, high=3)], np.take_along_axis, axis=0),
    case("ops.gathering.add_at", [real(2, 3, 2), REPEATED], add_at, axis=1, shape=(2, 4, 2)),
    case("ops.gathering.add_along_axis", [real(3, 5), whole(3, 5, high=4)], add_along_axis, axis=1, length=4),
    case("ops.gathering.put", [real(2, 4), real(2, 3), REPEATED], put, axis=1),
    case("ops.gathering.is_last_occurrence", [exactly(2, 0, -2, 1, dtype="int64")], lambda i, length: i != 2, length=4),
    case("ops.gathering.index_get", [real(3, 4)], lambda x, key: x[key], key=(slice(0, 2), 1)),
    case("ops.gathering.index_add", [real(2)], paste, key=(slice(0, 2), 1), shape=(3, 4)),
    case("ops.gathering.index_set", [real(3, 4), real(2)], overwrite, key=(slice(0, 2), 1)),
    indexed(1, "integer"),
    indexed((slice(None), -1), "slice and integer"),
    indexed((..., None, slice(3, None, -2), 0), "ellipsis, None and a negative step"),
    indexed(np.asarray([[0, 2], [2, 2]]), "matrix of indices"),
    indexed((slice(None), [3, 0, 3]), "list"),
    indexed(([0, 2, 0], slice(1, 3), [1, 0, 1]), "lists apart"),
    indexed(([[0], [2]], [1, 3]), "lists that broadcast"),
    indexed(MASK, "mask"),
    indexed((slice(None), MASK[0], 1), "mask among others"),
    written((1, 2), (2,), "integers"),
    written((slice(None), slice(1, 3)), (1, 2, 1), "slices, broadcast"),
    written((slice(None), slice(None, None, -2)), (3, 2, 2), "a negative step"),
    written((slice(None), [3, 0, 3]), (3, 3, 2), "list with an index twice"),
    written(([0, 2], [1, 3]), (2, 2), "lists"),
    written(MASK, (), "mask and number"),
    written(MASK, (5, 2), "mask and values"),
]

LINEAR_ALGEBRA = [
    case("matmul", [real(2, 3), real(3, 4)], np.matmul, complex=True),
    case("matmul", [real(3), real(3)], np.matmul, "vectors"),
    case("matmul", [real(2, 3), real(3)], np.matmul, "matrix and vector"),
    case("matmul", [real(3), real(2, 3, 2)], np.matmul, "vector and stack"),
    case("matmul", [real(2, 1, 2, 3), real(4, 3, 2)], np.matmul, "stacks"),
    case("matrix_transpose", [real(2, 3, 4)], np.matrix_transpose, complex=True),
    case("tensordot", [real(2, 3, 4), real(3, 4, 2)], np.tensordot, complex=True),
    case("tensordot", [real(2, 3), real(4)], np.tensordot, axes=0),
    case("tensordot", [real(2, 3, 4), real(4, 2)], np.tensordot, axes=((0, 2), (1, 0))),
    case("vecdot", [real(2, 3), real(3)], vecdot, complex=True),
    case("vecdot", [real(3, 2), real(3, 2)], vecdot, axis=-2),
    case("mm", [real(2, 3), real(3, 4)], np.matmul),
    case("einsum", ["ij,jk->ik", real(2, 3), real(3, 4)], np.einsum, complex=True),
    case("einsum", ["bij,bjk,k->bi", real(2, 2, 3), real(2, 3, 2), real(2)], np.einsum, "three"),
    case("einsum", ["ii->i", real(3, 3)], np.einsum, "diagonal"),
    case("einsum", ["ij->", real(2, 3)], np.einsum, "sum"),
    case("einsum", ["...ij,...j", real(2, 2, 3), real(3)], np.einsum, "ellipsis"),
]


def hermitian(x: Any) -> Any:
    """Return a Hermitian matrix made of any; `positive_definite` likewise. Both take NumPy arrays and Tensors."""
    return x + x.conj().mT


def positive_definite(x: Any) -> Any:
    return x @ x.conj().mT


def outer_products(x: Any, y: Any) -> Any:
    """Return the product of each column of `x` with its partner in `y`: what does not depend on their phases."""
    return x[..., :, None, :] * y.conj()[..., None, :, :]


def eigen(decompose: Any, x: Any) -> Any:
    values, vectors = decompose(x)
    return values, outer_products(vectors, vectors)


def ordered(decompose: Any, x: Any) -> Any:
    """Return eigenvalues, and products of eigenvectors, from the least to the largest: LAPACK's order may vary."""
    found = decompose(x)
    values, *vectors = found if isinstance(found, tuple) else (found,)
    xp = agrad if isinstance(values, agrad.Tensor) else np
    order = xp.argsort(xp.real(values), axis=-1)
    values = xp.take_along_axis(values, order, axis=-1)
    if not vectors:
        return values
    places = xp.broadcast_to(order[..., None, :], vectors[0].shape)
    return values, outer_products(*[xp.take_along_axis(vectors[0], places, axis=-1)] * 2)


def hermitian_eigen(decompose: Any, x: Any) -> Any:
    return eigen(decompose, hermitian(x))


def thin(decompose: Any, x: Any, full_matrices: bool = False) -> Any:
    u, s, vh = decompose(x, full_matrices=full_matrices)
    return s, outer_products(u, vh.conj().mT)


def singular(decompose: Any, x: Any) -> Any:
    u, s, vh = decompose(x)
    k, v = s.shape[-1], vh.conj().mT
    rest = [y[..., k:] @ y[..., k:].conj().mT for y in (u, v)]
    return (s, outer_products(u[..., :k], v[..., :k]), *rest)


def complete(decompose: Any, x: Any, **settings: Any) -> Any:
    q, r = decompose(x, **settings)
    k = x.shape[-1]
    return q[..., :k], r, q[..., k:] @ q[..., k:].conj().mT


def upper_cholesky(x: Any, upper: bool) -> Any:
    return np.linalg.cholesky(x).conj().mT


def as_complex(result: Any) -> Any:
    return tuple(x + 0j for x in result) if isinstance(result, tuple) else result + 0j


def power(n: int) -> Callable[..., Any]:
    """Return the reference for a power, which is also the call: with an op before the matrices."""
    return lambda *args: args[0](args[1], n) if len(args) > 1 else np.linalg.matrix_power(args[0], n)


def cofactors(x: Any) -> Any:
    return np.linalg.det(x)[..., None, None] * np.linalg.inv(x).mT


def cofactors_along(x: Any, direction: Any) -> Any:
    dual = np.linalg.inv(x).mT
    share = np.sum(direction * dual, axis=(-2, -1), keepdims=True)
    return np.linalg.det(x)[..., None, None] * (share * dual - dual @ direction.mT @ dual)


def solved_by_triangle(x1: Any, x2: Any, upper: bool) -> Any:
    return np.linalg.solve(np.triu(x1) if upper else np.tril(x1), x2)


def least_squares(x1: Any, x2: Any) -> Any:
    found, residuals, *_ = np.linalg.lstsq(x1, x2)
    return found, residuals if x2.ndim == 2 else residuals[0]


def first_two(op: Any, *args: Any) -> Any:
    return op(*args)[:2]


def trace(x: Any, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)


def of(make: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of what is made of its argument."""
    return lambda *args, **settings: function(make(*args), **settings)


def calling(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call of an op with what is made of its arguments."""
    return lambda op, *args, **settings: op(make(*args), **settings)


def on_matrices(op: str, shape: tuple[int, ...], reference: Any, note: str = "", **settings: Any) -> Case:
    """Make the row of an op on matrices, real and complex."""
    return case(f"linalg.{op}", [regular(*shape)], reference, note, complex=True, tolerance=1e-9, **settings)


def matrix_norm(x: Any, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, axis=(-2, -1))


FACTORIZATIONS = [
    on_matrices("cholesky", (2, 3, 3), of(positive_definite, np.linalg.cholesky), call=calling(positive_definite)),
    on_matrices("cholesky", (3, 3), of(positive_definite, upper_cholesky), call=calling(positive_definite), upper=True),
    on_matrices("eig", (2, 3, 3), lambda x: as_complex(ordered(np.linalg.eig, x)), call=ordered),
    on_matrices("eigh", (2, 3, 3), lambda x: eigen(np.linalg.eigh, hermitian(x)), call=hermitian_eigen),
    on_matrices("eigvals", (2, 3, 3), lambda x: as_complex(ordered(np.linalg.eigvals, x)), call=ordered),
    on_matrices("eigvalsh", (2, 3, 3), of(hermitian, np.linalg.eigvalsh), call=calling(hermitian)),
    on_matrices("qr", (2, 4, 3), lambda x: tuple(np.linalg.qr(x))),
    on_matrices("qr", (2, 3, 3), lambda x: tuple(np.linalg.qr(x)), "square"),
    on_matrices("qr", (2, 3, 5), lambda x: tuple(np.linalg.qr(x)), "wide"),
    on_matrices("qr", (2, 5, 3), lambda x, mode: complete(np.linalg.qr, x, mode=mode), call=complete, mode="complete"),
    on_matrices("svd", (2, 3, 4), lambda x: singular(np.linalg.svd, x), call=singular),
    on_matrices("svd", (5, 3), lambda x: singular(np.linalg.svd, x), "tall", call=singular),
    on_matrices("svd", (3, 3), lambda x: singular(np.linalg.svd, x), "square", call=singular),
    on_matrices("svd", (2, 4, 3), lambda x, **_: thin(np.linalg.svd, x), call=thin, full_matrices=False),
    on_matrices("svd", (3, 5), lambda x, **_: thin(np.linalg.svd, x), "thin, wide", call=thin, full_matrices=False),
    on_matrices("svdvals", (2, 3, 4), np.linalg.svdvals),
]

INVERSES = [
    on_matrices("det", (2, 3, 3), np.linalg.det),
    on_matrices("determinants.cofactors", (2, 3, 3), cofactors),
    case(
        "linalg.determinants.cofactors_along",
        [regular(2, 3, 3), real(2, 3, 3)],
        cofactors_along,
        complex=True,
        tolerance=1e-9,
    ),
    on_matrices("slogdet", (2, 3, 3), lambda x: tuple(np.linalg.slogdet(x))),
    on_matrices("inv", (2, 3, 3), np.linalg.inv),
    on_matrices("inverses.inverse", (2, 3, 3), np.linalg.inv),
    on_matrices("pinv", (2, 3, 4), np.linalg.pinv),
    on_matrices("pinv", (4, 3), np.linalg.pinv, "tall"),
    on_matrices("inverses.pseudo_inverse", (3, 4), np.linalg.pinv, call=lambda op, x: op(x, 1e-15)),
    on_matrices("matrix_rank", (2, 3, 4), np.linalg.matrix_rank, order=0),
    case("linalg.pinv", [real(4, 2), real(2, 3)], of(np.matmul, np.linalg.pinv), "rank 2", call=calling(agrad.matmul)),
    case("linalg.solve", [regular(2, 3, 3), real(2, 3, 2)], np.linalg.solve, complex=True, tolerance=1e-9),
    case("linalg.solve", [regular(3, 3), real(3)], np.linalg.solve, "vector", tolerance=1e-9),
    case("linalg.solve", [regular(2, 3, 3), real(3)], np.linalg.solve, "vector for each", complex=True, tolerance=1e-9),
    case("linalg.solve", [regular(2, 1, 3, 3), real(3, 3, 2)], np.linalg.solve, "stacks", tolerance=1e-9),
    *[
        case(
            f"linalg.{op}",
            [regular(2, 3, 3), real(*shape)],
            solved_by_triangle,
            upper=upper,
            complex=True,
            tolerance=1e-9,
        )
        for op, shape in (("solve_triangular", (3, 2)), ("triangular.solve_columns", (3, 2)))
        for upper in (False, True)
    ],
    case("linalg.lstsq", [regular(4, 3), real(4, 2)], least_squares, call=first_two, tolerance=1e-9),
    case("linalg.lstsq", [real(4, 2), real(4)], least_squares, "vector", call=first_two, tolerance=1e-9),
    case("linalg.inverses.solution", [regular(3, 3), real(2, 3, 2)], np.linalg.solve, complex=True, tolerance=1e-9),
]

NORMS = [
    *(on_matrices("matrix_norm", (2, 3, 4), matrix_norm, ord=ord) for ord in ("fro", "nuc", 1, -1, 2, -2, None)),
    *(on_matrices("matrix_norm", (2, 3, 4), matrix_norm, ord=ord) for ord in (math.inf, -math.inf)),
    on_matrices("matrix_norm", (2, 3, 4), np.linalg.matrix_norm),
    on_matrices("matrix_norm", (2, 3, 4), np.linalg.matrix_norm, ord="nuc", keepdims=True),
    case("linalg.vector_norm", [real(2, 3)], np.linalg.vector_norm, complex=True),
    case("linalg.vector_norm", [real(2, 3, 2)], np.linalg.vector_norm, axis=(0, 2), complex=True),
    case("linalg.vector_norm", [real(2, 3)], np.linalg.vector_norm, axis=-1, keepdims=True),
    *(
        case("linalg.vector_norm", [nonzero(2, 3)], np.linalg.vector_norm, axis=-1, ord=ord, complex=True)
        for ord in (0, 0.5, 1, 1.5, 2, 3, -1, math.inf, -math.inf)
    ),
]

PRODUCTS_AND_DIAGONALS = [
    case("linalg.cross", [real(2, 3), real(3)], np.linalg.cross, complex=True),
    case("linalg.cross", [real(3, 2), real(3, 2)], np.linalg.cross, axis=-2),
    case("linalg.outer", [real(2), real(3)], np.outer, complex=True),
    on_matrices("matrix_power", (2, 3, 3), power(5), "5", call=power(5)),
    on_matrices("matrix_power", (3, 3), power(-2), "-2", call=power(-2)),
    on_matrices("matrix_power", (2, 3, 3), power(0), "0", call=power(0)),
    on_matrices("diagonal", (2, 3, 4), lambda x: np.diagonal(x, 0, -2, -1)),
    *(on_matrices("diagonal", (4, 3), np.diagonal, offset=offset) for offset in (2, -1, 7, -7)),
    on_matrices("trace", (2, 3, 4), trace),
    on_matrices("trace", (2, 3, 4), trace, offset=1),
]

FOURIER: list[dict[str, Any]] = [{}, {"n": 4}, {"n": 7, "axis": 0}, {"norm": "ortho"}, {"norm": "forward"}]
FOURIER_N: list[dict[str, Any]] = [{}, {"s": (4, 3), "axes": (2, 0)}, {"axes": (0, 1), "norm": "ortho"}]

FFT = [
    *(
        case(f"fft.{name}", [real(2, 5)], getattr(np.fft, name), complex=name not in ("rfft", "ihfft"), **settings)
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
        for settings in FOURIER
    ),
    *(
        case(f"fft.{name}", [real(2, 3, 4)], getattr(np.fft, name), complex=name != "rfftn", **settings)
        for name in ("fftn", "ifftn", "rfftn", "irfftn")
        for settings in FOURIER_N
    ),
    case("fft.fftshift", [real(3, 4)], np.fft.fftshift, complex=True),
    case("fft.fftshift", [real(3, 4)], np.fft.fftshift, axes=0),
    case("fft.ifftshift", [real(3, 4)], np.fft.ifftshift, axes=(0, 1)),
]

SEARCHING_AND_SORTING = [
    case("argmax", [distinct(2, 3)], np.argmax, axis=1),
    case("argmin", [distinct(2, 3)], np.argmin, axis=1, keepdims=True),
    case("argsort", [distinct(2, 3)], np.argsort, axis=1),
    case("argsort", [distinct(2, 3)], lambda x, axis, descending: np.argsort(-x, axis=axis), axis=0, descending=True),
    case("count_nonzero", [whole(2, 3, high=2)], np.count_nonzero, axis=1),
    case("nonzero", [whole(2, 3, high=2)], np.nonzero),
    case("searchsorted", [exactly(0.0, 1.0, 2.0), real(2, 3)], np.searchsorted),
    case("searchsorted", [exactly(0.0, 1.0, 2.0), 1.0], np.searchsorted, side="right"),
    case("ops.searching.search_sorted", [exactly(0.0, 1.0, 2.0), real(2, 3)], np.searchsorted, side="left"),
    case("sort", [distinct(2, 4)], np.sort),
    case("sort", [distinct(3, 2)], lambda x, axis, descending: -np.sort(-x, axis=axis), axis=0, descending=True),
    case("isin", [whole(2, 3), whole(4)], np.isin),
    case("unique_all", [whole(2, 3)], np.unique_all),
    case("unique_all", [distinct(2, 3)], np.unique_all, note="distinct"),
    case("unique_counts", [whole(2, 3)], np.unique_counts),
    case("unique_inverse", [whole(2, 3)], np.unique_inverse),
    case("unique_values", [whole(2, 3)], np.unique_values),
    case("unique_values", [distinct(2, 3)], lambda x: np.sort(x, axis=None), note="distinct"),
]

ACTIVATIONS = [
    case("relu", [nonzero(2, 3)], lambda x: np.maximum(x, 0)),
    case("sigmoid", [real(2, 3)], sigmoid),
    case("softplus", [real(2, 3)], lambda x: np.log1p(np.exp(x))),
    case("softmax", [real(2, 3)], softmax),
    case("softmax", [real(2, 3)], softmax, axis=0),
    case("log_softmax", [real(2, 3)], lambda x, axis=-1: np.log(softmax(x, axis))),
    case("log_softmax", [real(2, 3)], lambda x, axis=-1: np.log(softmax(x, axis)), axis=0),
    case("logsumexp", [real(2, 3)], logsumexp, complex=True),
    case("logsumexp", [real(2, 3, 2)], logsumexp, axis=(0, 2), complex=True),
    case("logsumexp", [real(2, 3)], logsumexp, axis=-1, keepdims=True, complex=True),
    case("gelu", [real(2, 3)], gelu),
    case("gelu", [real(2, 3)], gelu_tanh, approximate="tanh"),
    case("silu", [real(2, 3)], lambda x: x * sigmoid(x)),
    case("erf", [real(2, 3)], erf),
    case("one_hot", [whole(2, 3), 4], lambda x, n: np.eye(n, dtype=np.float32)[x]),
]

SPECIAL = [
    case("special.beta", [positive(2, 3), positive(3)], special.beta),
    case("special.betainc", [2.0, 3.0, real(2, 3, low=0.1, high=0.9)], special.betainc),
    case("special.betaln", [positive(2, 3), positive(3)], special.betaln),
    case("special.betaln", [real(2, 3, low=20.0, high=40.0), positive(3)], special.betaln, "large"),
    case("special.digamma", [positive(2, 3)], special.digamma),
    case("special.entr", [positive(2, 3)], special.entr),
    case("special.erfc", [real(2, 3)], special.erfc),
    case("special.erfcx", [real(2, 3)], special.erfcx),
    case("special.erfinv", [unit(2, 3)], special.erfinv),
    case("special.expit", [real(2, 3)], special.expit),
    case("special.gamma", [positive(2, 3)], special.gamma),
    case("special.gammainc", [2.5, positive(2, 3)], special.gammainc),
    case("special.gammaincc", [2.5, positive(2, 3)], special.gammaincc),
    case("special.gammaln", [positive(2, 3)], special.gammaln),
    case("special.i0", [real(2, 3)], special.i0),
    case("special.i0e", [nonzero(2, 3)], special.i0e),
    case("special.i1", [real(2, 3)], special.i1),
    case("special.i1e", [real(2, 3)], special.i1e),
    case("special.j0", [real(2, 3)], special.j0),
    case("special.j1", [real(2, 3)], special.j1),
    case("special.kl_div", [positive(2, 3), positive(3)], special.kl_div),
    case("special.log_ndtr", [real(2, 3)], special.log_ndtr),
    case(
        "special.error_functions.log_ndtr_slope",
        [exactly([[-40.0, -25.0, -2.0], [-0.5, 0.5, 2.0]])],
        lambda x: np.exp(-0.5 * x * x - special.log_ndtr(x)) / np.sqrt(2 * np.pi),
    ),
    case("special.log_softmax", [real(2, 3)], special.log_softmax),
    case("special.logit", [real(2, 3, low=0.1, high=0.9)], special.logit),
    case("special.logsumexp", [real(2, 3)], special.logsumexp, axis=1),
    case("special.logsumexp", [real(2, 3), None, positive(3)], special.logsumexp, "weights"),
    case("special.logsumexp", [real(2, 3), 1, nonzero(2, 3), True, True], special.logsumexp, "signs"),
    case("special.ndtr", [real(2, 3)], special.ndtr),
    case("special.ndtri", [real(2, 3, low=0.1, high=0.9)], special.ndtri),
    case("special.polygamma", [0, positive(2, 3)], special.polygamma, "0"),
    case("special.polygamma", [2, positive(2, 3)], special.polygamma, "2"),
    case("special.polygamma", [exactly(0, 1, 2, dtype="int64"), positive(2, 3)], special.polygamma, "orders"),
    case("special.rel_entr", [positive(2, 3), positive(3)], special.rel_entr),
    case("special.sinc", [real(2, 3)], special.sinc),
    case("special.softmax", [real(2, 3)], special.softmax),
    case("special.softmax", [real(2, 3, 2)], special.softmax, axis=(0, 2)),
    case("special.xlog1py", [real(2, 3), unit(3)], special.xlog1py),
    case("special.xlogy", [real(2, 3), positive(3)], special.xlogy),
    case("special.zeta", [2.5, positive(2, 3)], special.zeta),
]

LAYERS = [
    case("nn.functional.linear", [real(2, 3), real(4, 3), real(4)], lambda x, w, b: x @ w.T + b),
    case("nn.functional.linear", [real(2, 2, 3), real(4, 3)], lambda x, w: x @ w.T, "stack without bias"),
    case("nn.functional.linear", [real(3), real(4, 3), real(4)], lambda x, w, b: x @ w.T + b, "vector"),
    case(
        "nn.functional.losses.bernoulli_nll",
        [real(2, 3, low=0.1, high=0.9), real(2, 3, low=0.1, high=0.9)],
        lambda p, t: -t * np.log(p) - (1 - t) * np.log(1 - p),
    ),
    case("nn.functional.losses.squared_error", [real(2, 3), real(2, 3)], lambda x, y: np.mean((x - y) ** 2)),
    case(
        "nn.functional.losses.squared_error",
        [real(2, 3), real(2, 3)],
        lambda x, y, reduction: np.sum((x - y) ** 2),
        reduction="sum",
    ),
    case(
        "nn.functional.losses.squared_error",
        [real(2, 3), real(2, 3)],
        lambda x, y, reduction: (x - y) ** 2,
        reduction="none",
    ),
    case("nn.functional.bias_relu.bias_relu", [[nonzero(4, 3), real(3, low=-0.2, high=0.2)]], bias_relu, axis=1),
    case("nn.functional.bias_relu.bias_relu", [[nonzero(3, 2, 2), real(3, low=-0.2, high=0.2)]], bias_relu, axis=0),
    case("nn.functional.normalization.standardize", [real(4, 3)], standardize, axis=(0,), eps=0.1),
    case("nn.functional.normalization.standardize", [real(2, 3, 2)], standardize, axis=(0, 2), eps=0.0),
    case("nn.cross_entropy.nll", [real(3, 4), whole(3)], nll),
    case("nn.cross_entropy.nll", [real(3, 4), whole(3)], nll, reduction="sum"),
    case("nn.cross_entropy.nll", [real(3, 4), whole(3)], nll, reduction="none"),
    case("nn.cross_entropy.softmax_nll", [real(3, 4), whole(3)], softmax_nll),
    case("nn.cross_entropy.softmax_nll", [real(3, 4), whole(3)], softmax_nll, reduction="sum"),
    case("nn.cross_entropy.softmax_nll", [real(3, 4), whole(3)], softmax_nll, reduction="none"),
    *(
        case(
            "nn.cross_entropy.softmax_nll",
            [real(5, 3), whole(5, high=3)],
            softmax_nll,
            reduction=reduction,
            weight=[0.5, 2.0, 1.0],
            ignore_index=1,
            label_smoothing=0.25,
        )
        for reduction in ("mean", "sum", "none")
    ),
    case(
        "nn.cross_entropy.softmax_nll", [real(5, 3), whole(5, high=3)], softmax_nll, ignore_index=2, label_smoothing=0.5
    ),
    case("nn.cross_entropy.softmax_nll", [real(5, 3), whole(5, high=3)], softmax_nll, weight=[0.5, 2.0, 1.0]),
    case(
        "nn.cross_entropy.softmax_nll", [real(5, 3), exactly(0, 2, 1, 2, 2, dtype="int64")], softmax_nll, ignore_index=2
    ),
]

LINE = Windows((3,), (2,), ((1, 0),), (1,))
PLAIN = Windows((2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
PADDED = Windows((2, 3), (2, 1), ((1, 1), (0, 2)), (2, 1))


def convolved(name: str, *shapes: tuple[int, ...], **settings: Any) -> Case:
    """Make the row of an op of convolution."""
    windows, groups = settings["windows"], settings["groups"]
    note = f"{len(windows.kernel)}d-{'padded' if windows.pads else 'plain'}-{groups}"
    args = [real(*shape) for shape in shapes]
    note += "-bias" if len(args) > 2 else ""
    return case(f"nn.functional.convolution.{name}", args, getattr(references, name), note, **settings)


def pooled(name: str, windows: Windows, *args: Maker, **settings: Any) -> Case:
    """Make the row of an op of pooling."""
    note = f"{len(windows.kernel)}d-{'padded' if windows.pads else 'plain'}"
    reference = getattr(references, name)
    return case(f"nn.functional.pooling.{name}", [*args], reference, note, windows=windows, **settings)


WINDOWS = [
    convolved("convolve", (2, 2, 5), (4, 2, 3), (4,), windows=LINE, groups=1),
    convolved("convolve", (2, 2, 3, 4), (3, 2, 2, 2), windows=PLAIN, groups=1),
    convolved("convolve", (1, 4, 4, 3), (2, 2, 2, 3), (2,), windows=PADDED, groups=2),
    convolved("convolve_input", (2, 4, 2), (4, 2, 3), lengths=(4,), windows=LINE, groups=1),
    convolved("convolve_input", (1, 2, 2, 3), (2, 2, 2, 2), lengths=(3, 4), windows=PLAIN, groups=1),
    convolved("convolve_input", (1, 2, 2, 3), (2, 2, 2, 3), lengths=(4, 3), windows=PADDED, groups=2),
    convolved("convolve_weight", (2, 4, 2), (2, 2, 4), windows=LINE, groups=1),
    convolved("convolve_weight", (2, 2, 2, 3), (2, 3, 3, 4), windows=PLAIN, groups=1),
    convolved("convolve_weight", (1, 2, 2, 3), (1, 4, 4, 3), windows=PADDED, groups=2),
    pooled("window_max", LINE, distinct(2, 5)),
    pooled("window_max", PLAIN, distinct(2, 3, 3)),
    pooled("window_max", PADDED, distinct(1, 2, 4, 3)),
    pooled("window_sum", LINE, real(2, 5)),
    pooled("window_sum", PLAIN, real(2, 3, 3)),
    pooled("window_sum", PADDED, real(1, 2, 4, 3)),
    pooled("gather_from_windows", PLAIN, real(2, 3, 3), whole(2, 2, 2)),
    pooled("gather_from_windows", PADDED, real(2, 4, 3), whole(2, 2, 3, high=6)),
    pooled("scatter_to_windows", PLAIN, real(2, 2, 2), whole(2, 2, 2), lengths=(3, 3)),
    pooled("scatter_to_windows", PADDED, real(2, 2, 3), whole(2, 2, 3, high=6), lengths=(4, 3)),
    pooled("add_to_windows", PLAIN, real(2, 2, 2), lengths=(3, 3)),
    pooled("add_to_windows", PADDED, real(2, 2, 3), lengths=(4, 3)),
]


def alone(collective: str, **settings: Any) -> Case:
    """A collective in a process that is alone, which returns what it is given."""
    takes_complex = not collective.endswith("extreme")
    return case(
        f"distributed.collectives.{collective}", [real(2, 3)], lambda x, **_: x, complex=takes_complex, **settings
    )


# tests/distributed/ runs them in several processes.
COLLECTIVES = [
    alone("all_reduce_sum", kind="sum"),
    alone("all_reduce_sum", kind="mean"),
    alone("all_reduce_extreme", kind="max"),
    alone("all_gather", axis=-1),
    alone("reduce_scatter_sum", kind="mean", axis=1),
    alone("broadcast", root=0),
    alone("sum_at_root", root=0),
]

CASES = [
    *ELEMENTWISE_UNARY,
    *ELEMENTWISE_BINARY,
    *STATISTICAL,
    *MANIPULATION,
    *INDEXING,
    *LINEAR_ALGEBRA,
    *FACTORIZATIONS,
    *INVERSES,
    *NORMS,
    *PRODUCTS_AND_DIAGONALS,
    *FFT,
    *SEARCHING_AND_SORTING,
    *ACTIVATIONS,
    *SPECIAL,
    *LAYERS,
    *WINDOWS,
    *COLLECTIVES,
]
