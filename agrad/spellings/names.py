"""PyTorch's names that agrad does not have: using one raises an error that shows what to write instead.

The table maps lines of PyTorch to lines of agrad that do the same; tests run both. In the lines `x` and `y` are
matrices, `v` and `w` vectors, `b` and `c` stacks of matrices, `m` and `m_` square, `s` is a number, `n` and `k` hold
integers, `i` and `j` indices, `mask` booleans, `z` complex numbers, `a` is a NumPy array, and `p` requires gradients.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from functools import cache
from typing import Final, NoReturn

from ..core import errors
from ..core.device import Device
from ..core.dtypes import DType
from ..core.tensor import Tensor
from ..ops.absent import NUMPY_FUNCTIONS, Absent, leave_out
from . import calls, rarer_names

__all__ = [
    "SPELLINGS", "answer_in_class", "answer_in_module", "answer_pytorch", "missing", "remedies",
]  # fmt: skip

# Elementwise functions; each stands for a method, an in-place method and a function, unless agrad has that name.
_UNARY: Final = {
    **{
        name: f"agrad.{name}(x)"
        for name in (
            "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "exp", "expm1",
            "floor", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "negative", "positive",
            "reciprocal", "relu", "round", "sigmoid", "sign", "signbit", "sin", "sinh", "sqrt", "square", "tan",
            "tanh", "trunc",
        )
    },
    "absolute": "agrad.abs(x)",
    "arccos": "agrad.acos(x)",
    "arccosh": "agrad.acosh(x)",
    "arcsin": "agrad.asin(x)",
    "arcsinh": "agrad.asinh(x)",
    "arctan": "agrad.atan(x)",
    "arctanh": "agrad.atanh(x)",
    "deg2rad": "x * (agrad.pi / 180)",
    "digamma": "agrad.special.digamma(x)",
    "erfc": "agrad.special.erfc(x)",
    "erfinv": "agrad.special.erfinv(x)",
    "exp2": "2.0 ** x",
    "fix": "agrad.trunc(x)",
    "frac": "x - agrad.trunc(x)",
    "i0": "agrad.special.i0(x)",
    "lgamma": "agrad.special.gammaln(x)",
    "logit": "agrad.special.logit(x)",
    "neg": "-x",
    "rad2deg": "x * (180 / agrad.pi)",
    "rsqrt": "1 / agrad.sqrt(x)",
    "sgn": "agrad.sign(x)",
}  # fmt: skip
_NOT_IN_PLACE: Final = {"isfinite", "isinf", "isnan", "positive", "signbit"}
# Binary functions: the operands, the function, and the in-place form.
_BINARY: Final = {
    "add": ("x, y", "x + y", "x += y"),
    "arctan2": ("x, y", "agrad.atan2(x, y)", "x[...] = agrad.atan2(x, y)"),
    "atan2": ("x, y", "agrad.atan2(x, y)", "x[...] = agrad.atan2(x, y)"),
    "bitwise_and": ("n, k", "n & k", "n &= k"),
    "bitwise_left_shift": ("n, k", "n << k", "n <<= k"),
    "bitwise_or": ("n, k", "n | k", "n |= k"),
    "bitwise_right_shift": ("n, k", "n >> k", "n >>= k"),
    "bitwise_xor": ("n, k", "n ^ k", "n ^= k"),
    "copysign": ("x, y", "agrad.copysign(x, y)", "x[...] = agrad.copysign(x, y)"),
    "div": ("x, y", "x / y", "x /= y"),
    "divide": ("x, y", "x / y", "x /= y"),
    "eq": ("x, y", "x == y", ""),
    "float_power": ("x, y", "x.astype(agrad.float64) ** y", ""),
    "floor_divide": ("x, y", "x // y", "x //= y"),
    "fmod": ("x, y", "x - y * agrad.trunc(x / y)", "x -= y * agrad.trunc(x / y)"),
    "ge": ("x, y", "x >= y", ""),
    "greater": ("x, y", "x > y", ""),
    "greater_equal": ("x, y", "x >= y", ""),
    "gt": ("x, y", "x > y", ""),
    "hypot": ("x, y", "agrad.hypot(x, y)", "x[...] = agrad.hypot(x, y)"),
    "le": ("x, y", "x <= y", ""),
    "less": ("x, y", "x < y", ""),
    "less_equal": ("x, y", "x <= y", ""),
    "logaddexp": ("x, y", "agrad.logaddexp(x, y)", ""),
    "logical_and": ("mask, ~mask", "agrad.logical_and(mask, ~mask)", ""),
    "logical_or": ("mask, ~mask", "agrad.logical_or(mask, ~mask)", ""),
    "logical_xor": ("mask, ~mask", "agrad.logical_xor(mask, ~mask)", ""),
    "lt": ("x, y", "x < y", ""),
    "maximum": ("x, y", "agrad.maximum(x, y)", ""),
    "minimum": ("x, y", "agrad.minimum(x, y)", ""),
    "mul": ("x, y", "x * y", "x *= y"),
    "multiply": ("x, y", "x * y", "x *= y"),
    "ne": ("x, y", "x != y", ""),
    "nextafter": ("x, y", "agrad.nextafter(x, y)", ""),
    "not_equal": ("x, y", "x != y", ""),
    "pow": ("x, y", "x ** y", "x **= y"),
    "remainder": ("x, y", "x % y", "x %= y"),
    "sub": ("x, y", "x - y", "x -= y"),
    "subtract": ("x, y", "x - y", "x -= y"),
    "true_divide": ("x, y", "x / y", "x /= y"),
    "xlogy": ("x, y", "agrad.special.xlogy(x, y)", "x[...] = agrad.special.xlogy(x, y)"),
}
_TYPES: Final = {
    "bfloat16": "bfloat16",
    "bool": "bool",
    "byte": "uint8",
    "cdouble": "complex128",
    "cfloat": "complex64",
    "char": "int8",
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "short": "int16",
}


def _method(name: str, operands: str) -> str:
    """Return the call as a method: ``x.add(y)`` for ``"add"`` and ``"x, y"``."""
    x, *others = operands.split(", ")
    return f"{x}.{name}({', '.join(others)})"


_METHODS: Final = {
    **{f"x.{name}()": line for name, line in _UNARY.items()},
    **{f"x.{name}_()": f"x[...] = {line}" for name, line in _UNARY.items() if name not in _NOT_IN_PLACE},
    **{_method(name, operands): line for name, (operands, line, _) in _BINARY.items()},
    **{_method(f"{name}_", operands): written for name, (operands, _, written) in _BINARY.items() if written},
    **{f"x.{name}()": f"x.astype(agrad.{dtype})" for name, dtype in _TYPES.items()},
    # Shapes
    "x.broadcast_to((4, 2, 3))": "agrad.broadcast_to(x, (4, 2, 3))",
    "x.chunk(3, dim=1)": "[x[:, j : j + 1] for j in range(3)]",
    "x.contiguous()": "x",
    "x.dim()": "x.ndim",
    "x.expand(4, 2, 3)": "agrad.broadcast_to(x, (4, 2, 3))",
    "x.flip(0)": "agrad.flip(x, axis=0)",
    "x.fliplr()": "agrad.flip(x, axis=1)",
    "x.flipud()": "agrad.flip(x, axis=0)",
    "x.moveaxis(0, 1)": "agrad.moveaxis(x, 0, 1)",
    "x.movedim(0, 1)": "agrad.moveaxis(x, 0, 1)",
    "x.narrow(1, 0, 2)": "x[:, 0:2]",
    "x.ndimension()": "x.ndim",
    "x.nelement()": "x.size",
    "x.numel()": "x.size",
    "x.permute(1, 0)": "agrad.permute_dims(x, (1, 0))",
    "x.ravel()": "x.flatten()",
    "x.repeat(2, 1)": "agrad.tile(x, (2, 1))",
    "x.repeat_interleave(2, dim=0)": "agrad.repeat(x, 2, axis=0)",
    "x.reshape_as(x)": "x.reshape(x.shape)",
    "x.roll(1, 0)": "agrad.roll(x, 1, axis=0)",
    "x.select(1, 0)": "x[:, 0]",
    "x.split(2, dim=1)": "[x[:, :2], x[:, 2:]]",
    "x.swapaxes(0, 1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "x.swapdims(0, 1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "x.t()": "x.T",
    "x.t_()": "x = x.T",
    "x.tensor_split((1,), dim=1)": "[x[:, :1], x[:, 1:]]",
    "x.tile((2, 1))": "agrad.tile(x, (2, 1))",
    "x.transpose_(0, 1)": "x = x.T",
    "x.tril()": "agrad.tril(x)",
    "x.tril_()": "x[...] = agrad.tril(x)",
    "x.triu()": "agrad.triu(x)",
    "x.triu_()": "x[...] = agrad.triu(x)",
    "x.unbind()": "agrad.unstack(x)",
    "x.unflatten(1, (3, 1))": "x.reshape(2, 3, 1)",
    "x.unsqueeze_(0)": "x = x.expand_dims(0)",
    "x.squeeze_()": "x = x.squeeze()",
    "x.view(3, 2)": "x.reshape(3, 2)",
    "x.view_as(x)": "x.reshape(x.shape)",
    # Selecting and writing
    "x.argwhere()": "agrad.stack(x.nonzero(), axis=-1)",
    "x.copy_(y)": "x[...] = y",
    "x.fill_diagonal_(0.0)": "x = agrad.where(agrad.eye(*x.shape, dtype=bool), 0.0, x)",
    "x.gather(1, i)": "agrad.take_along_axis(x, i, axis=1)",
    "x.index_fill(0, rows, 0.0)": "x[rows] = 0.0",
    "x.index_fill_(0, rows, 0.0)": "x[rows] = 0.0",
    "x.index_select(0, rows)": "agrad.take(x, rows, axis=0)",
    "x.masked_fill(mask, 0.0)": "agrad.where(mask, 0.0, x)",
    "x.masked_fill_(mask, 0.0)": "x[mask] = 0.0",
    "x.masked_select(mask)": "x[mask]",
    "x.take_along_dim(i, dim=1)": "agrad.take_along_axis(x, i, axis=1)",
    "x.where(mask, y)": "agrad.where(mask, x, y)",
    "x.clamp(0.2, 0.8)": "x.clip(0.2, 0.8)",
    "x.clamp_(0.2, 0.8)": "x[...] = x.clip(0.2, 0.8)",
    "x.clip_(0.2, 0.8)": "x[...] = x.clip(0.2, 0.8)",
    "x.clamp_max(0.5)": "x.clip(max=0.5)",
    "x.clamp_max_(0.5)": "x[...] = x.clip(max=0.5)",
    "x.clamp_min(0.5)": "x.clip(min=0.5)",
    "x.clamp_min_(0.5)": "x[...] = x.clip(min=0.5)",
    # Reductions and order
    "x.allclose(y)": "bool(agrad.all(agrad.abs(x - y) <= 1e-8 + 1e-5 * agrad.abs(y)))",
    "x.amax(dim=1)": "x.max(axis=1)",
    "x.amin(dim=1)": "x.min(axis=1)",
    "x.aminmax()": "(x.min(), x.max())",
    "x.count_nonzero()": "agrad.count_nonzero(x)",
    "x.cumprod(1)": "x.cumulative_prod(axis=1)",
    "x.cumsum(1)": "x.cumulative_sum(axis=1)",
    "x.diff()": "agrad.diff(x)",
    "x.dist(y)": "agrad.linalg.vector_norm(x - y)",
    "x.equal(y)": "bool(agrad.all(x == y))",
    "x.logcumsumexp(1)": "agrad.log(agrad.exp(x).cumulative_sum(axis=1))",
    "x.msort()": "x.sort(axis=0)",
    "x.norm()": "agrad.linalg.vector_norm(x)",
    "x.topk(2)": "(x.sort(descending=True)[..., :2], x.argsort(descending=True)[..., :2])",
    "x.unique()": "agrad.unique_values(x)",
    # Products and linear algebra
    "x.addcdiv(x, y)": "x + x / y",
    "x.addcmul(x, y)": "x + x * y",
    "m.addmm(x.T, x)": "m + x.T @ x",
    "v.addmv(m, v)": "v + m @ v",
    "c.baddbmm(c, m_)": "c + c @ m_",
    "b.bmm(c)": "b @ c",
    "m.cholesky()": "agrad.linalg.cholesky(m)",
    "v.cross(w, dim=0)": "agrad.linalg.cross(v, w, axis=0)",
    "m.det()": "agrad.linalg.det(m)",
    "m.diag()": "agrad.linalg.diagonal(m)",
    "m.diagonal()": "agrad.linalg.diagonal(m)",
    "v.dot(w)": "v @ w",
    "v.ger(w)": "agrad.linalg.outer(v, w)",
    "v.inner(w)": "v @ w",
    "m.inverse()": "agrad.linalg.inv(m)",
    "x.lerp(y, 0.5)": "x + 0.5 * (y - x)",
    "x.lerp_(y, 0.5)": "x += 0.5 * (y - x)",
    "m.logdet()": "agrad.linalg.slogdet(m).logabsdet",
    "m.matrix_power(2)": "agrad.linalg.matrix_power(m, 2)",
    "m.mv(v)": "m @ v",
    "v.outer(w)": "agrad.linalg.outer(v, w)",
    "m.pinverse()": "agrad.linalg.pinv(m)",
    "m.qr()": "agrad.linalg.qr(m)",
    "m.slogdet()": "agrad.linalg.slogdet(m)",
    "m.svd().S": "agrad.linalg.svd(m).S",
    "m.trace()": "agrad.linalg.trace(m)",
    "v.vdot(w)": "agrad.vecdot(v, w)",
    # Dtypes, devices and copies
    "n.bitwise_not()": "~n",
    "mask.logical_not()": "~mask",
    "z.adjoint()": "agrad.conj(z.mT)",
    "z.H": "agrad.conj(z.T)",
    "z.mH": "agrad.conj(z.mT)",
    "z.imag": "agrad.imag(z)",
    "z.real": "agrad.real(z)",
    "z.conj_physical()": "agrad.conj(z)",
    "z.resolve_conj()": "z",
    "z.isreal()": "agrad.imag(z) == 0",
    "x.clone()": "x.astype(x.dtype)",
    "x.detach_()": "x = x.detach()",
    "x.element_size()": "agrad.finfo(x.dtype).bits // 8",
    "x.get_device()": "x.device",
    "x.is_complex()": 'agrad.isdtype(x.dtype, "complex floating")',
    "x.is_cpu": 'x.device.kind == "cpu"',
    "x.is_cuda": 'x.device.kind == "cuda"',
    "x.is_floating_point()": 'agrad.isdtype(x.dtype, "real floating")',
    "s.is_nonzero()": "bool(s)",
    "x.is_same_size(y)": "x.shape == y.shape",
    "x.nbytes": "x.size * agrad.finfo(x.dtype).bits // 8",
    "x.itemsize": "agrad.finfo(x.dtype).bits // 8",
    "x.new_empty((2, 3))": "agrad.empty((2, 3), dtype=x.dtype, device=x.device)",
    "x.new_full((2, 3), 1.0)": "agrad.full((2, 3), 1.0, dtype=x.dtype, device=x.device)",
    "x.new_ones((2, 3))": "agrad.ones((2, 3), dtype=x.dtype, device=x.device)",
    "x.new_tensor([1.0, 2.0])": "agrad.tensor([1.0, 2.0], dtype=x.dtype, device=x.device)",
    "x.new_zeros((2, 3))": "agrad.zeros((2, 3), dtype=x.dtype, device=x.device)",
    "x.pin_memory()": "x",
    "x.type(torch.float64)": "x.astype(agrad.float64)",
    "x.type_as(y)": "x.to(y)",
    # Random numbers in place
    "x.bernoulli_(0.5)": "x[...] = agrad.bernoulli(0.5, x.shape)",
    "x.normal_()": "x[...] = agrad.randn(*x.shape)",
    "x.random_(10)": "x[...] = agrad.randint(0, 10, x.shape)",
    "x.uniform_(-1, 1)": "x[...] = agrad.uniform(-1, 1, x.shape)",
}
_FUNCTIONS: Final = {
    **{f"torch.{name}(x)": line for name, line in _UNARY.items()},
    **{f"torch.{name}({operands})": line for name, (operands, line, _) in _BINARY.items()},
    **{f"torch.{name}": f"agrad.{dtype}" for name, dtype in _TYPES.items() if name not in ("byte", "char")},
    # Creation
    "torch.as_tensor(a)": "agrad.asarray(a)",
    "torch.from_numpy(a)": "agrad.asarray(a)",
    "torch.clone(x)": "x.astype(x.dtype)",
    "torch.complex(x, y)": "x + 1j * y",
    "torch.detach(x)": "x.detach()",
    "torch.logspace(0, 2, 3)": "10.0 ** agrad.linspace(0, 2, 3)",
    "torch.rand_like(x)": "agrad.rand(*x.shape, dtype=x.dtype)",
    "torch.randn_like(x)": "agrad.randn(*x.shape, dtype=x.dtype)",
    "torch.randint_like(n, 10)": "agrad.randint(0, 10, n.shape, dtype=n.dtype)",
    "torch.scalar_tensor(2.0)": "agrad.asarray(2.0)",
    "torch.BoolTensor([True])": "agrad.tensor([True])",
    "torch.DoubleTensor([1.0])": "agrad.tensor([1.0], dtype=agrad.float64)",
    "torch.FloatTensor([1.0])": "agrad.tensor([1.0], dtype=agrad.float32)",
    "torch.IntTensor([1])": "agrad.tensor([1], dtype=agrad.int32)",
    "torch.LongTensor([1])": "agrad.tensor([1], dtype=agrad.int64)",
    # Shapes
    "torch.broadcast_tensors(x, v)": "agrad.broadcast_arrays(x, v)",
    "torch.cat([x, y], dim=1)": "agrad.concat([x, y], axis=1)",
    "torch.chunk(x, 3, dim=1)": "[x[:, j : j + 1] for j in range(3)]",
    "torch.concatenate([x, y], dim=1)": "agrad.concat([x, y], axis=1)",
    "torch.column_stack([v, w])": "agrad.stack([v, w], axis=1)",
    "torch.dstack([x, y])": "agrad.stack([x, y], axis=2)",
    "torch.hstack([x, y])": "agrad.concat([x, y], axis=1)",
    "torch.vstack([x, y])": "agrad.concat([x, y], axis=0)",
    "torch.fliplr(x)": "agrad.flip(x, axis=1)",
    "torch.flipud(x)": "agrad.flip(x, axis=0)",
    "torch.movedim(x, 0, 1)": "agrad.moveaxis(x, 0, 1)",
    "torch.narrow(x, 1, 0, 2)": "x[:, 0:2]",
    "torch.numel(x)": "x.size",
    "torch.permute(x, (1, 0))": "agrad.permute_dims(x, (1, 0))",
    "torch.ravel(x)": "agrad.flatten(x)",
    "torch.repeat_interleave(x, 2, dim=0)": "agrad.repeat(x, 2, axis=0)",
    "torch.select(x, 1, 0)": "x[:, 0]",
    "torch.split(x, 2, dim=1)": "[x[:, :2], x[:, 2:]]",
    "torch.swapaxes(x, 0, 1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "torch.swapdims(x, 0, 1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "torch.t(x)": "x.T",
    "torch.unbind(x)": "agrad.unstack(x)",
    "torch.unflatten(x, 1, (3, 1))": "agrad.reshape(x, (2, 3, 1))",
    "torch.unsqueeze(x, 0)": "agrad.expand_dims(x, 0)",
    # Selecting
    "torch.argwhere(x)": "agrad.stack(agrad.nonzero(x), axis=-1)",
    "torch.bucketize(x, v)": "agrad.searchsorted(v, x)",
    "torch.clamp(x, 0.2, 0.8)": "agrad.clip(x, 0.2, 0.8)",
    "torch.clamp_max(x, 0.5)": "agrad.clip(x, max=0.5)",
    "torch.clamp_min(x, 0.5)": "agrad.clip(x, min=0.5)",
    "torch.gather(x, 1, i)": "agrad.take_along_axis(x, i, axis=1)",
    "torch.index_select(x, 0, rows)": "agrad.take(x, rows, axis=0)",
    "torch.masked_fill(x, mask, 0.0)": "agrad.where(mask, 0.0, x)",
    "torch.masked_select(x, mask)": "x[mask]",
    "torch.take_along_dim(x, i, dim=1)": "agrad.take_along_axis(x, i, axis=1)",
    # Reductions and order
    "torch.allclose(x, y)": "bool(agrad.all(agrad.abs(x - y) <= 1e-8 + 1e-5 * agrad.abs(y)))",
    "torch.amax(x, dim=1)": "agrad.max(x, axis=1)",
    "torch.amin(x, dim=1)": "agrad.min(x, axis=1)",
    "torch.aminmax(x)": "(agrad.min(x), agrad.max(x))",
    "torch.cdist(x, y)": "agrad.linalg.vector_norm(x[:, None] - y, axis=-1)",
    "torch.cumprod(x, 1)": "agrad.cumulative_prod(x, axis=1)",
    "torch.cumsum(x, 1)": "agrad.cumulative_sum(x, axis=1)",
    "torch.dist(x, y)": "agrad.linalg.vector_norm(x - y)",
    "torch.logcumsumexp(x, 1)": "agrad.log(agrad.cumulative_sum(agrad.exp(x), axis=1))",
    "torch.msort(x)": "agrad.sort(x, axis=0)",
    "torch.norm(x)": "agrad.linalg.vector_norm(x)",
    "torch.std_mean(x)": "(agrad.std(x, correction=1), agrad.mean(x))",
    "torch.var_mean(x)": "(agrad.var(x, correction=1), agrad.mean(x))",
    "torch.topk(x, 2)": "(agrad.sort(x, descending=True)[..., :2], agrad.argsort(x, descending=True)[..., :2])",
    "torch.unique(x)": "agrad.unique_values(x)",
    # Products and linear algebra
    "torch.addcdiv(x, x, y)": "x + x / y",
    "torch.addcmul(x, x, y)": "x + x * y",
    "torch.addmm(m, x.T, x)": "m + x.T @ x",
    "torch.addmv(v, m, v)": "v + m @ v",
    "torch.baddbmm(c, c, m_)": "c + c @ m_",
    "torch.bilinear(x, x, b_, None)": "agrad.nn.functional.bilinear(x, x, b_, None)",
    "torch.bmm(b, c)": "b @ c",
    "torch.chain_matmul(x, m, m)": "x @ m @ m",
    "torch.cholesky(m)": "agrad.linalg.cholesky(m)",
    "torch.cross(v, w, dim=0)": "agrad.linalg.cross(v, w, axis=0)",
    "torch.det(m)": "agrad.linalg.det(m)",
    "torch.diag(m)": "agrad.linalg.diagonal(m)",
    "torch.diagonal(m)": "agrad.linalg.diagonal(m)",
    "torch.dot(v, w)": "v @ w",
    "torch.ger(v, w)": "agrad.linalg.outer(v, w)",
    "torch.inner(v, w)": "v @ w",
    "torch.inverse(m)": "agrad.linalg.inv(m)",
    "torch.lerp(x, y, 0.5)": "x + 0.5 * (y - x)",
    "torch.logdet(m)": "agrad.linalg.slogdet(m).logabsdet",
    "torch.matrix_power(m, 2)": "agrad.linalg.matrix_power(m, 2)",
    "torch.mv(m, v)": "m @ v",
    "torch.outer(v, w)": "agrad.linalg.outer(v, w)",
    "torch.pinverse(m)": "agrad.linalg.pinv(m)",
    "torch.qr(m)": "agrad.linalg.qr(m)",
    "torch.rsub(x, y)": "y - x",
    "torch.slogdet(m)": "agrad.linalg.slogdet(m)",
    "torch.svd(m).S": "agrad.linalg.svd(m).S",
    "torch.trace(m)": "agrad.linalg.trace(m)",
    "torch.vdot(v, w)": "agrad.vecdot(v, w)",
    # Dtypes and devices
    "torch.adjoint(z)": "agrad.conj(z.mT)",
    "torch.bitwise_not(n)": "~n",
    "torch.conj_physical(z)": "agrad.conj(z)",
    "torch.view_as_real(z)": "agrad.stack([agrad.real(z), agrad.imag(z)], axis=-1)",
    "torch.isreal(z)": "agrad.imag(z) == 0",
    "torch.is_complex(x)": 'agrad.isdtype(x.dtype, "complex floating")',
    "torch.is_floating_point(x)": 'agrad.isdtype(x.dtype, "real floating")',
    "torch.is_nonzero(s)": "bool(s)",
    "torch.is_same_size(x, y)": "x.shape == y.shape",
    "torch.is_tensor(x)": "isinstance(x, agrad.Tensor)",
    "torch.promote_types(torch.float32, torch.float64)": "agrad.result_type(agrad.float32, agrad.float64)",
    "torch.device('cpu')": "agrad.Device('cpu')",
    "torch.get_default_device()": "agrad.get_device()",
    "torch.set_default_device('cpu')": "agrad.set_device('cpu')",
    "torch.set_default_tensor_type(torch.FloatTensor)": "agrad.set_default_dtype(agrad.float32)",
    # Gradients, and functions that are in other modules
    "torch.inference_mode()": "agrad.no_grad()",
    "torch.autograd.grad(p * p, p)": "agrad.gradients(p * p, p)",
    "torch.autograd.functional.jacobian(f, v)": "agrad.jacobian(f)(v)",
    "torch.autograd.functional.hessian(f, v)": "agrad.hessian(f)(v)",
    "torch.autograd.set_detect_anomaly(True)": "agrad.detect_anomaly()",
    "torch.func.grad(f)(v)": "agrad.grad(f)(v)",
    "torch.func.vmap(f, in_dims=1)(x)": "agrad.vmap(f, in_axes=1)(x)",
    "torch.func.jacrev(f)(v)": "agrad.jacobian(f)(v)",
    "torch.func.jacfwd(f)(v)": "agrad.jacobian(f)(v)",
    "torch.func.hessian(f)(v)": "agrad.hessian(f)(v)",
    "torch.func.vjp(f, v)[0]": "agrad.vjp(f, v)[0]",
    "torch.func.jvp(f, (v,), (w,))": "agrad.jvp(f, (v,), (w,))",
    "torch.func.functional_call(layer, {'weight': x[:, :2], 'bias': v[:2]}, y.T)": (
        "layer.functional_call({'weight': x[:, :2], 'bias': v[:2]}, y.T)"
    ),
    "torch.utils.data.TensorDataset(x)": "agrad.data.TensorDataset(x)",
    "torch.utils.data.DataLoader(dataset)": "agrad.data.DataLoader(dataset)",
    "torch.utils.checkpoint.checkpoint(f, v, use_reentrant=False)": "agrad.checkpoint(f)(v)",
    "torch.dropout(x, 0.5, True)": "agrad.nn.functional.dropout(x, 0.5, True)",
    "torch.embedding(x, rows)": "agrad.nn.functional.embedding(rows, x)",
    "torch.layer_norm(x, (3,))": "agrad.nn.functional.layer_norm(x, (3,))",
    "torch.prelu(x, v[:1])": "agrad.nn.functional.prelu(x, v[:1])",
}
_FUNCTIONAL: Final = {
    "F.hardsigmoid(x)": "agrad.clip(x / 6 + 0.5, 0.0, 1.0)",
    "F.hardswish(x)": "x * agrad.clip(x / 6 + 0.5, 0.0, 1.0)",
    "F.logsigmoid(x)": "-F.softplus(-x)",
    "F.mish(x)": "x * agrad.tanh(F.softplus(x))",
    "F.one_hot(i, 3)": "agrad.one_hot(i, 3)",
    "F.relu6(x)": "F.hardtanh(x, 0.0, 6.0)",
    "F.relu_(x)": "x[...] = F.relu(x)",
    "F.softmin(x, dim=1)": "F.softmax(-x, dim=1)",
    "F.softsign(x)": "x / (1 + agrad.abs(x))",
    "F.tanhshrink(x)": "x - agrad.tanh(x)",
    "F.threshold(x, 0.5, 0.0)": "agrad.where(x > 0.5, x, 0.0)",
}
_LAYERS: Final = {
    "nn.Buffer(x)": 'module.register_buffer("x", x)',
    "nn.DataParallel(model)": "agrad.distributed.DataParallel(model)",
    "nn.parallel.DistributedDataParallel(model)": "agrad.distributed.DataParallel(model)",
    "nn.NLLLoss2d()": "nn.NLLLoss()",
    "nn.ReLU6()": "nn.Hardtanh(0.0, 6.0)",
    "nn.Softmax2d()": "nn.Softmax(dim=-3)",
}
_MODULE: Final = {
    "model.bfloat16()": "model.to(agrad.bfloat16)",
    "model.double()": "model.to(agrad.float64)",
    "model.float()": "model.to(agrad.float32)",
    "model.half()": "model.to(agrad.float16)",
    'model.to_empty(device="cpu")': 'model.to("cpu")',
    "model.type(torch.float64)": "model.to(agrad.float64)",
    'model.get_buffer("1.running_mean")': 'dict(model.named_buffers())["1.running_mean"]',
    'model.get_parameter("0.weight")': 'dict(model.named_parameters())["0.weight"]',
    'model.get_submodule("0")': 'dict(model.named_modules())["0"]',
    'model.register_module("last", layer)': 'model.add_module("last", layer)',
}
_DTYPE: Final = {
    "x.dtype.is_floating_point": 'agrad.isdtype(x.dtype, "real floating")',
    "x.dtype.itemsize": "agrad.finfo(x.dtype).bits // 8",
}
_LINALG: Final = {
    "torch.linalg.multi_dot([x, m, m])": "x @ m @ m",
    "torch.linalg.norm(x)": "agrad.linalg.vector_norm(x)",
    "torch.linalg.cond(m)": "agrad.linalg.svdvals(m)[..., 0] / agrad.linalg.svdvals(m)[..., -1]",
}
_FFT: Final = {f"torch.fft.{name}2(z)": f"agrad.fft.{name}n(z, axes=(-2, -1))" for name in ("fft", "ifft", "irfft")} | {
    "torch.fft.rfft2(x)": "agrad.fft.rfftn(x, axes=(-2, -1))"
}
_SPECIAL: Final = {
    "torch.special.exp2(x)": "2.0 ** x",
    "torch.special.expm1(x)": "agrad.expm1(x)",
    "torch.special.log1p(x)": "agrad.log1p(x)",
    "torch.special.round(x)": "agrad.round(x)",
}
_INIT: Final = {
    f"init.{name}(x{rest})": f"init.{name}_(x{rest})"
    for name, rest in {
        "constant": ", 0.5", "kaiming_normal": "", "kaiming_uniform": "", "normal": "", "orthogonal": "",
        "uniform": "", "xavier_normal": "", "xavier_uniform": "",
    }.items()
}  # fmt: skip
_UTILS: Final = {
    "utils.clip_grad_norm(params, 1.0)": "utils.clip_grad_norm_(params, 1.0)",
    "utils.parameters_to_vector(params)": "agrad.concat([p.flatten() for p in params])",
}
_DATA: Final = {
    "data.StackDataset(x, y)": "data.TensorDataset(x, y)",
    "data.distributed.DistributedSampler(dataset)": "data.DistributedSampler(dataset)",
    "data.SubsetRandomSampler([0, 1])": "data.RandomSampler(data.Subset(dataset, [0, 1]))",
}
_OPTIM: Final = {
    "optim.ASGD(params)": "optim.SGD(params); averaged = optim.swa_utils.AveragedModel(model)",
    "optim.Rprop(params)": "optim.RMSprop(params)",
    "optim.SparseAdam(params)": "optim.Adam(params)",
    "optim.ZeroRedundancyOptimizer(params, optim.Adam, lr=0.1)": "optim.Sharded(optim.Adam(params, lr=0.1))",
}
_SCHEDULERS: Final = {
    "lr_scheduler.ChainedScheduler([a, b]).step()": "a.step(); b.step()",
    "lr_scheduler.CyclicLR(optimizer, 0.1, 0.5, 10)": (
        "lr_scheduler.LambdaLR(optimizer, lambda t: 5 - 4 * abs(t / 10 % 2 - 1))"
    ),
}
_DISTRIBUTED: Final = {
    "dist.init_process_group('nccl')": "distributed.init()",
    "dist.destroy_process_group()": "pass  # the end of the program does it",
    "dist.is_available()": "True",
    "dist.get_node_local_rank()": "distributed.get_local_rank()",
    "dist.monitored_barrier()": "distributed.barrier()",
    "dist.ReduceOp.SUM": '"sum"',
    "dist.ReduceOp.AVG": '"mean"',
    "dist.ReduceOp.MAX": '"max"',
    "dist.ReduceOp.MIN": '"min"',
    "dist.ReduceOp.PRODUCT": "agrad.prod(distributed.all_gather(x[None]), axis=0)",
    "dist.reduce(x, dst=0)": "x = distributed.all_reduce(x)",
    "dist.gather(x, xs)": "xs = distributed.all_gather(x[None])",
    "dist.scatter(x, xs)": "x = distributed.broadcast(xs)[distributed.get_rank()]",
    "dist.all_gather_into_tensor(y, x)": "y = distributed.all_gather(x)",
    "dist.reduce_scatter_tensor(y, x)": "y = distributed.reduce_scatter(x)",
    "dist.all_gather_object(xs, found)": "xs = mpi4py.MPI.COMM_WORLD.allgather(found)",
    "dist.gather_object(found, xs)": "xs = mpi4py.MPI.COMM_WORLD.gather(found)",
    "dist.broadcast_object_list(xs)": "xs = mpi4py.MPI.COMM_WORLD.bcast(xs)",
    "dist.send(x, dst=1)": "mpi4py.MPI.COMM_WORLD.send(x.numpy(), 1)",
    "dist.recv(x, src=0)": "x = agrad.asarray(mpi4py.MPI.COMM_WORLD.recv(source=0))",
    "dist.isend(x, dst=1)": "mpi4py.MPI.COMM_WORLD.isend(x.numpy(), 1)",
    "dist.irecv(x, src=0)": "mpi4py.MPI.COMM_WORLD.irecv(source=0)",
    "dist.new_group([0, 1])": "mpi4py.MPI.COMM_WORLD.Split(distributed.get_rank() in [0, 1])",
    "nn.parallel.DistributedDataParallel(model)": "distributed.DataParallel(model)",
    "dist.optim.ZeroRedundancyOptimizer(params, optim.Adam, lr=0.1)": "optim.Sharded(optim.Adam(params, lr=0.1))",
}
_CUDA: Final = {
    "torch.cuda.amp.autocast()": 'agrad.autocast("float16")',
    "torch.cuda.amp.GradScaler()": "agrad.amp.GradScaler()",
    "torch.cuda.manual_seed(0)": "agrad.manual_seed(0)",
    "torch.cuda.manual_seed_all(0)": "agrad.manual_seed(0)",
    "torch.cuda.set_device(0)": 'agrad.set_device("cuda:0")',
    "torch.cuda.current_device()": "agrad.get_device()",
}

# By class or module: a pattern for the prefix of PyTorch's name in a line, and the table of lines.
SPELLINGS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "Tensor": (r"\w+\.", _METHODS | rarer_names.METHODS),
    "Module": (r"model\.", _MODULE),
    "Device": (r"x\.device\.", {"x.device.type": "x.device.kind"}),
    "DType": (r"x\.dtype\.", _DTYPE),
    "agrad": (r"torch\.", _FUNCTIONS | rarer_names.FUNCTIONS),
    "agrad.cuda": (r"torch\.cuda\.", _CUDA),
    "agrad.data": (r"data\.", _DATA),
    "agrad.distributed": (r"(?:dist|nn\.parallel)\.", _DISTRIBUTED),
    "agrad.fft": (r"torch\.fft\.", _FFT),
    "agrad.linalg": (r"torch\.linalg\.", _LINALG | rarer_names.LINALG),
    "agrad.nn": (r"nn\.", _LAYERS | rarer_names.LAYERS),
    "agrad.nn.functional": (r"F\.", _FUNCTIONAL | rarer_names.FUNCTIONAL),
    "agrad.nn.init": (r"init\.", _INIT),
    "agrad.nn.utils": (r"utils\.", _UTILS),
    "agrad.optim": (r"optim\.", _OPTIM),
    "agrad.optim.lr_scheduler": (r"lr_scheduler\.", _SCHEDULERS),
    "agrad.special": (r"torch\.special\.", _SPECIAL | rarer_names.SPECIAL),
}


@cache
def remedies(place: str) -> dict[str, str]:
    """Return the replacement of each of PyTorch's names, for a class or module.

    Examples
    --------
    >>> from agrad.spellings import remedies
    >>> remedies("agrad")["cat"]
    "write agrad.concat([x, y], axis=1) for PyTorch's torch.cat([x, y], dim=1)"
    """
    prefix, lines = SPELLINGS.get(place, ("", {}))
    after_prefix = re.compile(rf"{prefix}(\w+)")
    found: defaultdict[str, list[str]] = defaultdict(list)
    for theirs, ours in lines.items():
        for name in after_prefix.findall(theirs)[:1]:
            found[name].append(f"write {ours} for PyTorch's {theirs}")
    for name in NUMPY_FUNCTIONS & found.keys() if place == "Tensor" else ():
        found[name].append(f"np.{name}(x, ...) for NumPy's x.{name}(...)")
    return {name: ", ".join(answers) for name, answers in found.items()}


def missing(module: str, name: str) -> AttributeError:
    """Return the AttributeError for a name that a module does not have.

    Examples
    --------
    >>> from agrad import nn
    >>> nn.ReLU6
    Traceback (most recent call last):
        ...
    AttributeError: module 'agrad.nn' has no attribute 'ReLU6'; write nn.Hardtanh(0.0, 6.0) for PyTorch's nn.ReLU6()
    """
    answer = remedies(module).get(name)
    return AttributeError(f"module {module!r} has no attribute {name!r}{f'; {answer}' if answer else ''}", name=name)


def answer_in_module(module: str) -> None:
    """Make a module raise helpful errors for PyTorch's names, by a module ``__getattr__``, and for its keywords.

    It is set here rather than defined in the module, where type checkers would accept any name because of it.
    """

    def refuse(name: str) -> NoReturn:
        raise missing(module, name)

    vars(sys.modules[module])["__getattr__"] = refuse
    calls.answer_calls(module)


def answer_in_class(kind: type) -> None:
    """Make a class raise a helpful error for each of PyTorch's names that it does not have."""
    own = {name for name in dir(kind) if not isinstance(vars(kind).get(name), Absent)}
    leave_out(kind, {name: answer for name, answer in remedies(kind.__name__).items() if name not in own})


def answer_pytorch() -> None:
    """Make Tensors, devices, dtypes and calls of ops raise helpful errors for PyTorch's names."""
    errors.wrong_call, errors.missing_array = calls.wrong_call_of_op, calls.no_array
    for kind in (Tensor, Device, DType):
        answer_in_class(kind)
    calls.answer_methods(Tensor, "cuda", "squeeze", "to", "transpose")
    public = vars(sys.modules["agrad"])
    public.update({name: calls.in_public(public[name], "agrad") for name in public.keys() & {*public["__all__"]}})
