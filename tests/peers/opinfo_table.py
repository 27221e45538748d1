"""What agrad calls PyTorch's operators: for each name in op_db, a function of the arguments of its samples.

A row is such a function, or a `Row` that says more. A name stands for all variants of the operator but those that have
a row of their own, ``name.variant``.
"""

import math
import operator
from functools import reduce

import agrad
from agrad import fft, linalg, special
from agrad.nn import functional as F
from tests.peers import opinfo_calls as calls
from tests.peers import opinfo_reasons as but
from tests.peers.opinfo_calls import Row

ELEMENTWISE = {
    "abs": agrad.abs,
    "acos": agrad.acos,
    "acosh": agrad.acosh,
    "add": lambda x, y, alpha=1: x + calls.times(alpha, y),
    "addcdiv": lambda x, y, z, value=1: x + value * y / z,
    "addcmul": lambda x, y, z, value=1: x + value * y * z,
    "asin": agrad.asin,
    "asinh": agrad.asinh,
    "atan": agrad.atan,
    "atan2": agrad.atan2,
    "atanh": agrad.atanh,
    "bitwise_and": agrad.bitwise_and,
    "bitwise_left_shift": agrad.bitwise_left_shift,
    "bitwise_not": agrad.bitwise_invert,
    "bitwise_or": agrad.bitwise_or,
    "bitwise_right_shift": agrad.bitwise_right_shift,
    "bitwise_xor": agrad.bitwise_xor,
    "ceil": agrad.ceil,
    "clamp": Row(lambda x, min=None, max=None: agrad.clip(x, min, max)),
    "clamp_max": lambda x, max: agrad.clip(x, None, max),
    "clamp_min": lambda x, min: agrad.clip(x, min),
    "complex": lambda x, y: x + 1j * y,
    "conj": Row(agrad.conj, but.NUMBERS),
    "conj_physical": Row(agrad.conj, but.NUMBERS),
    "copysign": agrad.copysign,
    "cos": agrad.cos,
    "cosh": agrad.cosh,
    "deg2rad": lambda x: x * (math.pi / 180),
    "digamma": special.digamma,
    "div.floor_rounding": lambda x, y, rounding_mode: agrad.floor_divide(x, y),
    "div.no_rounding_mode": agrad.divide,
    "eq": agrad.equal,
    "erf": agrad.erf,
    "erfc": special.erfc,
    "erfinv": special.erfinv,
    "exp": agrad.exp,
    "exp2": lambda x: 2.0**x,
    "expm1": agrad.expm1,
    "float_power": lambda x, y: agrad.pow(calls.wide(x), calls.wide(y)),
    "floor": agrad.floor,
    "floor_divide": agrad.floor_divide,
    "frac": lambda x: x - agrad.trunc(x),
    "ge": agrad.greater_equal,
    "gt": agrad.greater,
    "hypot": agrad.hypot,
    "i0": special.i0,
    "igamma": special.gammainc,
    "igammac": special.gammaincc,
    "imag": agrad.imag,
    "isfinite": agrad.isfinite,
    "isinf": agrad.isinf,
    "isnan": agrad.isnan,
    "ldexp": lambda x, y: x * 2.0**y,
    "le": agrad.less_equal,
    "lerp": lambda x, y, weight: x + weight * (y - x),
    "lgamma": special.gammaln,
    "log": agrad.log,
    "log10": agrad.log10,
    "log1p": agrad.log1p,
    "log2": agrad.log2,
    "logaddexp": Row(agrad.logaddexp, but.REAL),
    "logical_and": agrad.logical_and,
    "logical_not": agrad.logical_not,
    "logical_or": agrad.logical_or,
    "logical_xor": agrad.logical_xor,
    "logit": lambda x, eps=None: special.logit(x if eps is None else agrad.clip(x * 1.0, eps, 1 - eps)),
    "lt": agrad.less,
    "masked_fill": lambda x, mask, value: agrad.where(mask, calls.like(value, x), x),
    "max.binary": agrad.maximum,
    "maximum": agrad.maximum,
    "min.binary": agrad.minimum,
    "minimum": agrad.minimum,
    "mul": agrad.multiply,
    "ne": agrad.not_equal,
    "neg": agrad.negative,
    "nextafter": agrad.nextafter,
    "nn.functional.celu": lambda x, alpha=1.0: alpha * F.elu(x / alpha),
    "nn.functional.elu": F.elu,
    "nn.functional.gelu": F.gelu,
    "nn.functional.hardtanh": Row(F.hardtanh, but.BOUNDS),
    "nn.functional.leaky_relu": F.leaky_relu,
    "nn.functional.logsigmoid": lambda x: -F.softplus(-x),
    "nn.functional.mish": lambda x: x * agrad.tanh(F.softplus(x)),
    "nn.functional.pairwise_distance": F.pairwise_distance,
    "nn.functional.prelu": F.prelu,
    "nn.functional.relu": F.relu,
    "nn.functional.relu6": lambda x: F.hardtanh(x, 0, 6),
    "nn.functional.silu": Row(F.silu, but.REAL),
    "nn.functional.softplus": F.softplus,
    "nn.functional.softsign": lambda x: x / (1 + agrad.abs(x)),
    "nn.functional.tanhshrink": lambda x: x - agrad.tanh(x),
    "polar": lambda r, angle: r * agrad.exp(1j * angle),
    "polygamma": lambda x, n: special.polygamma(n, x),
    "positive": agrad.positive,
    "pow": agrad.pow,
    "rad2deg": lambda x: x * (180 / math.pi),
    "real": Row(agrad.real, but.NUMBERS),
    "reciprocal": lambda x: 1 / x,
    "remainder": agrad.remainder,
    "round": agrad.round,
    "round.decimals_0": lambda x, decimals: agrad.round(x),
    "rsqrt": lambda x: 1 / agrad.sqrt(x),
    "rsub": lambda x, y, alpha=1: y - calls.times(alpha, x),
    "sgn": Row(agrad.sign, but.NUMBERS),
    "sigmoid": Row(agrad.sigmoid, but.NUMBERS, but.REAL),
    "sign": Row(agrad.sign, but.NUMBERS),
    "signbit": agrad.signbit,
    "sin": agrad.sin,
    "sinc": Row(special.sinc, but.REAL),
    "sinh": agrad.sinh,
    "special.entr": special.entr,
    "special.erfcx": special.erfcx,
    "special.i0e": special.i0e,
    "special.i1": special.i1,
    "special.i1e": special.i1e,
    "special.log_ndtr": Row(special.log_ndtr, but.CANCELS),
    "special.ndtr": special.ndtr,
    "special.ndtri": special.ndtri,
    "special.polygamma": lambda x, n: special.polygamma(n, x),
    "special.xlog1py": special.xlog1py,
    "special.zeta": special.zeta,
    "sqrt": agrad.sqrt,
    "square": agrad.square,
    "sub": lambda x, y, alpha=1: x - calls.times(alpha, y),
    "tan": agrad.tan,
    "tanh": agrad.tanh,
    "true_divide": agrad.divide,
    "trunc": agrad.trunc,
    "where": lambda x, condition, y: agrad.where(condition, x, y),
    "xlogy": special.xlogy,
}

OPERATORS = {
    "__radd__": lambda x, y: y + x,
    "__rand__": lambda x, y: y & x,
    "__rdiv__": lambda x, y: y / x,
    "__rmatmul__": Row(lambda x, y: y @ x),
    "__rmod__": lambda x, y: y % x,
    "__rmul__": lambda x, y: y * x,
    "__ror__": lambda x, y: y | x,
    "__rpow__": Row(lambda x, y: y**x, but.NEGATIVE_POWERS),
    "__rsub__": lambda x, y: y - x,
    "__rxor__": lambda x, y: y ^ x,
    "bool": lambda x: agrad.astype(x, agrad.bool),
    "byte": Row(lambda x: agrad.astype(x, agrad.uint8), but.IMAGINARY_PART),
    "cdouble": lambda x: agrad.astype(x, agrad.complex128),
    "cfloat": lambda x: agrad.astype(x, agrad.complex64),
    "char": Row(lambda x: agrad.astype(x, agrad.int8), but.IMAGINARY_PART),
    "clone": lambda x: agrad.asarray(x, copy=True),
    "double": Row(lambda x: agrad.astype(x, agrad.float64), but.IMAGINARY_PART),
    "float": Row(lambda x: agrad.astype(x, agrad.float32), but.IMAGINARY_PART),
    "half": Row(lambda x: agrad.astype(x, agrad.float16), but.IMAGINARY_PART),
    "int": Row(lambda x: agrad.astype(x, agrad.int32), but.IMAGINARY_PART),
    "item": lambda x: x.item(),
    "long": Row(lambda x: agrad.astype(x, agrad.int64), but.IMAGINARY_PART),
    "short": Row(lambda x: agrad.astype(x, agrad.int16), but.IMAGINARY_PART),
}

REDUCTIONS = {
    "all": calls.reduction(agrad.all),
    "amax": Row(calls.reduction(agrad.max)),
    "amin": Row(calls.reduction(agrad.min)),
    "aminmax": Row(calls.aminmax),
    "any": calls.reduction(agrad.any),
    "argmax": Row(calls.reduction(agrad.argmax)),
    "argmin": Row(calls.reduction(agrad.argmin)),
    "count_nonzero": calls.reduction(agrad.count_nonzero),
    "dist": lambda x, y, p=2: linalg.vector_norm(x - y, ord=p),
    "linalg.matrix_norm": calls.cast(calls.matrix_norm),
    "linalg.norm": Row(calls.cast(calls.norm), but.EMPTY_NORM, but.NORM_AT_ZERO),
    "linalg.vector_norm": Row(calls.cast(calls.vector_norm), but.NO_AXIS),
    "logsumexp": Row(calls.reduction(agrad.logsumexp), but.WEIGHTS),
    "max.reduction_no_dim": agrad.max,
    "max.reduction_with_dim": Row(calls.extreme(agrad.max, agrad.argmax)),
    "mean": Row(calls.cast(calls.reduction(agrad.mean))),
    "min.reduction_no_dim": agrad.min,
    "min.reduction_with_dim": Row(calls.extreme(agrad.min, agrad.argmin)),
    "norm": Row(calls.cast(calls.old_norm)),
    "prod": Row(calls.reduction(agrad.prod)),
    "std": calls.spread(agrad.std),
    "std.unbiased": lambda x, unbiased: agrad.std(x, correction=int(unbiased)),
    "std_mean": calls.beside_mean(calls.spread(agrad.std)),
    "std_mean.unbiased": lambda x, unbiased: (agrad.std(x, correction=int(unbiased)), agrad.mean(x)),
    "sum": Row(calls.reduction(agrad.sum)),
    "trace": linalg.trace,
    "var": calls.spread(agrad.var),
    "var.unbiased": lambda x, unbiased: agrad.var(x, correction=int(unbiased)),
    "var_mean": calls.beside_mean(calls.spread(agrad.var)),
    "var_mean.unbiased": lambda x, unbiased: (agrad.var(x, correction=int(unbiased)), agrad.mean(x)),
}

ALONG_AXES = {
    "argsort": Row(calls.argsort, but.TIES),
    "bucketize": lambda x, bounds, **settings: calls.searchsorted(bounds, x, **settings),
    "cumprod": Row(lambda x, dim, dtype=None: agrad.cumulative_prod(x, axis=dim, dtype=dtype), but.NO_AXIS),
    "cumsum": Row(lambda x, dim, dtype=None: agrad.cumulative_sum(x, axis=dim, dtype=dtype), but.NO_AXIS),
    "diff": Row(calls.diff),
    "isin": agrad.isin,
    "log_softmax": Row(calls.cast(lambda x, dim: agrad.log_softmax(x, axis=dim)), but.IMAGINARY_PART),
    "msort": lambda x: agrad.sort(x, axis=0),
    "nn.functional.softmin": Row(calls.cast(lambda x, dim: agrad.softmax(-x, axis=dim)), but.IMAGINARY_PART),
    "searchsorted": Row(calls.searchsorted, but.ONE_ROW),
    "softmax": Row(calls.cast(lambda x, dim: agrad.softmax(x, axis=dim)), but.IMAGINARY_PART),
    "sort": Row(calls.sort, but.TIES),
    "unique": Row(calls.unique, but.WHOLE),
}

SHAPES = {
    "T": calls.reverse,
    "H": Row(lambda x: agrad.conj(calls.reverse(x)), but.NUMBERS),
    "mH": Row(calls.adjoint, but.NUMBERS),
    "mT": agrad.matrix_transpose,
    "atleast_1d": lambda *xs: [agrad.reshape(x, (1,) * (1 - x.ndim) + x.shape) for x in calls.listed(xs)],
    "broadcast_shapes": lambda *shapes: agrad.broadcast_shapes(*(calls.sizes((shape,)) for shape in shapes)),
    "broadcast_tensors": agrad.broadcast_arrays,
    "broadcast_to": lambda x, shape: agrad.broadcast_to(x, tuple(shape)),
    "cat": Row(lambda xs, dim=0: agrad.concat(xs, axis=dim), but.LEGACY_EMPTY),
    "chunk": calls.chunk,
    "constant_pad_nd": lambda x, widths, value=0: F.pad(x, widths, value=value),
    "diagonal": calls.diagonal,
    "expand": calls.expand,
    "expand_as": lambda x, y: x.expand_as(y),
    "fft.fftshift": lambda x, dim=None: fft.fftshift(x, axes=calls.axes(dim)),
    "fft.ifftshift": lambda x, dim=None: fft.ifftshift(x, axes=calls.axes(dim)),
    "flatten": lambda x, start_dim=0, end_dim=-1: agrad.flatten(x, start_dim, end_dim),
    "flip": lambda x, dims: agrad.flip(x, axis=tuple(dims)),
    "fliplr": lambda x: agrad.flip(x, axis=1),
    "flipud": lambda x: agrad.flip(x, axis=0),
    "linalg.diagonal": lambda x, offset=0, dim1=-2, dim2=-1: calls.diagonal(x, offset, dim1, dim2),
    "meshgrid": lambda *xs, indexing: agrad.meshgrid(*calls.listed(xs), indexing=indexing),
    "movedim": lambda x, source, target: agrad.moveaxis(x, tuple(source), tuple(target)),
    "permute": lambda x, dims: agrad.permute_dims(x, tuple(dims)),
    "ravel": lambda x: agrad.reshape(x, (-1,)),
    "repeat": lambda x, *size: agrad.tile(x, calls.sizes(size)),
    "repeat_interleave": lambda x, repeats, dim=None, output_size=None: agrad.repeat(x, repeats, axis=dim),
    "reshape": lambda x, shape: agrad.reshape(x, tuple(shape)),
    "reshape_as": lambda x, y: agrad.reshape(x, y.shape),
    "roll": lambda x, n, dim=None: agrad.roll(x, n, axis=dim),
    "split": calls.split,
    "split_with_sizes": calls.parts,
    "squeeze": calls.squeeze,
    "stack": lambda xs, dim=0: agrad.stack(xs, axis=dim),
    "sum_to_size": calls.sum_to_size,
    "t": calls.reverse,
    "tensor_split": calls.tensor_split,
    "tile": lambda x, size: agrad.tile(x, tuple(size)),
    "transpose": calls.swap,
    "tril": lambda x, k=0: agrad.tril(x, k=k),
    "triu": lambda x, k=0: agrad.triu(x, k=k),
    "unbind": lambda x, dim=0: agrad.unstack(x, axis=dim),
    "unflatten": lambda x, dim, shape: agrad.nn.Unflatten(dim % x.ndim, tuple(shape))(x),
    "unsafe_chunk": calls.chunk,
    "unsafe_split": calls.split,
    "unsqueeze": lambda x, dim: agrad.expand_dims(x, axis=dim),
    "view": lambda x, shape: agrad.reshape(x, tuple(shape)),
    "view_as": lambda x, y: agrad.reshape(x, y.shape),
    "view_as_complex": lambda x: x[..., 0] + 1j * x[..., 1],
    "view_as_real": lambda x: agrad.stack([agrad.real(x), agrad.imag(x)], axis=-1),
}

INDEXING = {
    "__getitem__": lambda x, key: x[key],
    "argwhere": Row(calls.nonzero, but.NO_AXIS),
    "fill": lambda x, value: agrad.full_like(x, value),
    "gather": Row(lambda x, dim, index, sparse_grad=False: x[calls.grid(x, dim, index)], but.NO_AXIS, but.EMPTY_INDEX),
    "index_copy": Row(lambda x, dim, index, y: calls.written(x, calls.at(x, dim, index), y), but.NO_AXIS),
    "index_fill": Row(lambda x, dim, index, value: calls.written(x, calls.at(x, dim, index), value), but.NO_AXIS),
    "index_put": Row(lambda x, key, y, accumulate: calls.written(x, tuple(key), y), but.ACCUMULATE),
    "index_select": Row(lambda x, dim, index: agrad.take(x, index, axis=dim), but.NO_AXIS),
    "masked_select": lambda x, mask: operator.getitem(*agrad.broadcast_arrays(x, mask)),
    "narrow": lambda x, dim, start, length: x[calls.at(x, dim, slice(int(start), int(start) + length))],
    "nonzero": Row(calls.nonzero, but.NO_AXIS),
    "put": Row(calls.put, but.ACCUMULATE),
    "scatter": Row(calls.scatter, but.NO_AXIS, but.SCATTER),
    "select": lambda x, dim, index: x[calls.at(x, dim, index)],
    "select_scatter": lambda x, y, dim, index: calls.written(x, calls.at(x, dim, index), y),
    "slice": lambda x, dim=0, start=None, end=None, step=1: x[calls.at(x, dim, slice(start, end, step))],
    "slice_scatter": calls.slice_scatter,
    "take": lambda x, index: agrad.take(agrad.reshape(x, (-1,)), index),
    "take_along_dim": calls.take_along_dim,
    "zero_": agrad.zeros_like,
}

PRODUCTS = {
    "addbmm": Row(calls.added(lambda a, b: agrad.sum(a @ b, axis=0)), but.FACTORS),
    "addmm": calls.added(agrad.matmul),
    "addmv": Row(calls.added(agrad.matmul), but.FACTORS),
    "addr": Row(calls.added(linalg.outer), but.FACTORS),
    "baddbmm": Row(calls.added(agrad.matmul), but.FACTORS),
    "bmm": agrad.matmul,
    "cross": lambda x, y, dim=None: linalg.cross(x, y, axis=x.shape.index(3) if dim is None else dim),
    "dot": agrad.matmul,
    "einsum": lambda xs, subscripts: agrad.einsum(subscripts, *xs),
    "inner": lambda x, y: agrad.tensordot(x, y, axes=((-1,), (-1,))) if x.ndim and y.ndim else x * y,
    "kron": lambda x, y: agrad.reshape(agrad.einsum("ab,cd->acbd", x, y), (x.shape[0] * y.shape[0], -1)),
    "linalg.cross": lambda x, y, dim=-1: linalg.cross(x, y, axis=dim),
    "linalg.multi_dot": lambda xs: reduce(agrad.matmul, xs),
    "linalg.vecdot": lambda x, y, dim=-1: linalg.vecdot(x, y, axis=dim),
    "matmul": Row(agrad.matmul),
    "mm": agrad.mm,
    "mv": agrad.matmul,
    "outer": linalg.outer,
    "tensordot": Row(lambda x, y, dims: agrad.tensordot(x, y, axes=dims), but.BROADCAST_SUM),
    "vdot": agrad.vecdot,
}

MATRICES = {
    "cholesky": Row(calls.cholesky, result=calls.magnitudes),
    "linalg.cholesky": Row(calls.cholesky, result=calls.magnitudes),
    "linalg.cholesky_ex": Row(calls.cholesky, result=calls.magnitudes),
    "linalg.det": linalg.det,
    "linalg.eig": Row(linalg.eig, result=calls.mixed),
    "linalg.eigh": Row(lambda x, UPLO: linalg.eigh(calls.lower(x, UPLO)), result=calls.without_phases),
    "linalg.eigvals": Row(linalg.eigvals, result=calls.power_sums),
    "linalg.eigvalsh": lambda x, UPLO: linalg.eigvalsh(calls.lower(x, UPLO)),
    "linalg.inv": linalg.inv,
    "linalg.inv_ex": Row(linalg.inv, result=calls.first),
    "linalg.matrix_power": linalg.matrix_power,
    "linalg.matrix_rank": Row(lambda x, atol=None, rtol=None: linalg.matrix_rank(x, rtol=rtol), but.ATOL),
    "linalg.pinv": lambda x, rtol=None: linalg.pinv(x, rtol=rtol),
    "linalg.pinv.singular": lambda a, b: linalg.pinv(a @ agrad.matrix_transpose(b)),
    "linalg.qr": lambda x, mode="reduced": linalg.qr(x, mode=mode),
    "linalg.slogdet": linalg.slogdet,
    "linalg.solve": calls.solve,
    "linalg.solve_ex": Row(calls.solve, result=calls.first),
    "linalg.svd": Row(calls.svd, result=calls.determined),
    "linalg.svdvals": linalg.svdvals,
    "linalg.tensorinv": calls.tensorinv,
    "logdet": lambda x: agrad.log(linalg.det(x)),
    "pinverse": linalg.pinv,
    "qr": lambda x, some=True: linalg.qr(x, mode="reduced" if some else "complete"),
    "svd": Row(calls.old_svd, result=calls.old_determined),
}

FOURIER = {
    "fft.fft": calls.transform(fft.fft),
    "fft.fft2": calls.transforms(fft.fftn, (-2, -1)),
    "fft.fftn": calls.transforms(fft.fftn),
    "fft.hfft": calls.transform(fft.hfft),
    "fft.ifft": calls.transform(fft.ifft),
    "fft.ifft2": calls.transforms(fft.ifftn, (-2, -1)),
    "fft.ifftn": calls.transforms(fft.ifftn),
    "fft.ihfft": calls.transform(fft.ihfft),
    "fft.irfft": calls.transform(fft.irfft),
    "fft.irfft2": calls.transforms(fft.irfftn, (-2, -1)),
    "fft.irfftn": calls.transforms(fft.irfftn),
    "fft.rfft": calls.transform(fft.rfft),
    "fft.rfft2": calls.transforms(fft.rfftn, (-2, -1)),
    "fft.rfftn": calls.transforms(fft.rfftn),
}

NETWORKS = {
    "nn.functional.adaptive_avg_pool2d": F.adaptive_avg_pool2d,
    "nn.functional.avg_pool1d": Row(F.avg_pool1d, but.FLOATS),
    "nn.functional.avg_pool2d": Row(calls.avg_pool2d, but.FLOATS),
    "nn.functional.batch_norm": Row(F.batch_norm, but.NO_CHANNELS, but.SHARE),
    "nn.functional.bilinear": F.bilinear,
    "nn.functional.binary_cross_entropy": Row(F.binary_cross_entropy, loose=10),
    "nn.functional.binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "nn.functional.conv1d": F.conv1d,
    "nn.functional.conv2d": F.conv2d,
    "nn.functional.conv3d": F.conv3d,
    "nn.functional.conv_transpose1d": F.conv_transpose1d,
    "nn.functional.conv_transpose2d": F.conv_transpose2d,
    "nn.functional.conv_transpose3d": F.conv_transpose3d,
    "nn.functional.cosine_embedding_loss": F.cosine_embedding_loss,
    "nn.functional.cosine_similarity": F.cosine_similarity,
    "nn.functional.cross_entropy": F.cross_entropy,
    "nn.functional.ctc_loss": Row(F.ctc_loss, but.OF_SCORES),
    "nn.functional.dropout": Row(F.dropout, but.RANDOM),
    "nn.functional.dropout2d": Row(F.dropout2d, but.RANDOM),
    "nn.functional.embedding": lambda weight, index, padding_idx=None: F.embedding(index, weight, padding_idx),
    "nn.functional.group_norm": Row(F.group_norm, but.EPS),
    "nn.functional.huber_loss": F.huber_loss,
    "nn.functional.instance_norm": Row(F.instance_norm, but.SHARE),
    "nn.functional.interpolate": F.interpolate,
    "nn.functional.kl_div": F.kl_div,
    "nn.functional.l1_loss": F.l1_loss,
    "nn.functional.layer_norm": Row(F.layer_norm, but.EPS),
    "nn.functional.linear": F.linear,
    "nn.functional.max_pool1d": Row(calls.max_pool(F.max_pool1d), result=calls.first),
    "nn.functional.max_pool2d": Row(calls.max_pool(F.max_pool2d), result=calls.first),
    "nn.functional.mse_loss": F.mse_loss,
    "nn.functional.nll_loss": F.nll_loss,
    "nn.functional.normalize": Row(F.normalize, loose=100),
    "nn.functional.one_hot": Row(lambda x, num_classes: agrad.one_hot(x, num_classes, dtype=x.dtype), but.CLASSES),
    "nn.functional.pad": F.pad,
    "nn.functional.rms_norm": Row(F.rms_norm, but.EPS),
    "nn.functional.scaled_dot_product_attention": Row(
        F.scaled_dot_product_attention, but.RANDOM_ATTENTION, but.NO_ORDER
    ),
    "nn.functional.smooth_l1_loss": F.smooth_l1_loss,
    "nn.functional.triplet_margin_loss": F.triplet_margin_loss,
}

CREATION = {
    "arange": Row(lambda start, end=None, step=1, dtype=None: agrad.arange(start, end, step, dtype=dtype), but.ARANGE),
    "eye": lambda n, m=None, dtype=None: agrad.eye(n, m, dtype=dtype),
    "full": agrad.full,
    "full_like": agrad.full_like,
    "linspace": Row(agrad.linspace, but.LINSPACE),
    "new_full": lambda x, size, value, dtype=None: agrad.full(tuple(size), value, dtype=dtype or x.dtype),
    "new_ones": lambda x, size, dtype=None: agrad.ones(tuple(size), dtype=dtype or x.dtype),
    "new_zeros": lambda x, size, dtype=None: agrad.zeros(tuple(size), dtype=dtype or x.dtype),
    "ones": lambda size, dtype=None: agrad.ones(tuple(size), dtype=dtype),
    "ones_like": agrad.ones_like,
    "scalar_tensor": agrad.asarray,
    "zeros": lambda size, dtype=None: agrad.zeros(tuple(size), dtype=dtype),
    "zeros_like": agrad.zeros_like,
}

TABLE = {
    **ELEMENTWISE, **OPERATORS, **REDUCTIONS, **ALONG_AXES, **SHAPES, **INDEXING, **PRODUCTS, **MATRICES, **FOURIER,
    **NETWORKS, **CREATION,
}  # fmt: skip
COPIES = "diagonal expand narrow permute split_with_sizes squeeze t transpose unbind unsqueeze view"
TABLE |= {f"{name}_copy": TABLE[name] for name in COPIES.split()}

LEFT_OUT = {
    name: reason
    for reason, names in {
        "no counterpart": """
            _batch_norm_with_update _chunk_cat _native_batch_norm_legit _segment_reduce _softmax_backward_data
            _upsample_bilinear2d_aa allclose angle atleast_2d atleast_3d bfloat16 bincount block_diag cartesian_prod
            cdist chalf cholesky_inverse cholesky_solve column_stack combinations corrcoef cov cummax cummin
            cumulative_trapezoid diag diag_embed diagflat diagonal_scatter div.trunc_rounding dsplit dstack equal
            fft.hfft2 fft.hfftn fft.ihfft2 fft.ihfftn fmax fmin fmod frexp gcd geqrf gradient grid_sampler_2d
            grid_sampler_3d hash_tensor heaviside histc histogram histogramdd hsplit hstack isclose isneginf
            isposinf isreal istft jiterator_2inputs_2outputs jiterator_4inputs_with_extra_args jiterator_binary
            jiterator_binary_return_by_ref jiterator_unary kthvalue lcm linalg.cond linalg.householder_product
            linalg.ldl_factor linalg.ldl_factor_ex linalg.ldl_solve linalg.lstsq linalg.lu linalg.lu_factor
            linalg.lu_factor_ex linalg.lu_solve linalg.matrix_rank.hermitian linalg.pinv.hermitian
            linalg.solve_triangular linalg.tensorsolve linalg.vander logaddexp2 logcumsumexp logspace lu lu_solve
            lu_unpack masked.amax masked.amin masked.argmax masked.argmin masked.cumprod masked.cumsum
            masked.log_softmax masked.logaddexp masked.logsumexp masked.mean masked.median masked.norm
            masked.normalize masked.prod masked.softmax masked.softmin masked.std masked.sum masked.var
            masked_scatter matrix_exp max_pool2d_with_indices_backward median mode mvlgamma nan_to_num nanmean
            nanmedian nanquantile nansum native_batch_norm native_dropout_backward native_group_norm
            native_layer_norm nn.functional.adaptive_avg_pool1d nn.functional.adaptive_avg_pool3d
            nn.functional.adaptive_max_pool1d nn.functional.adaptive_max_pool2d nn.functional.adaptive_max_pool3d
            nn.functional.avg_pool3d nn.functional.channel_shuffle
            nn.functional.embedding_bag nn.functional.gaussian_nll_loss nn.functional.glu
            nn.functional.grid_sample nn.functional.hardshrink nn.functional.hardsigmoid nn.functional.hardswish
            nn.functional.hinge_embedding_loss
            nn.functional.linear_cross_entropy nn.functional.local_response_norm nn.functional.margin_ranking_loss
            nn.functional.max_pool3d nn.functional.max_unpool1d nn.functional.max_unpool2d
            nn.functional.max_unpool3d nn.functional.multi_head_attention_forward nn.functional.multi_margin_loss
            nn.functional.multilabel_margin_loss nn.functional.multilabel_soft_margin_loss nn.functional.pdist
            nn.functional.pixel_shuffle nn.functional.pixel_unshuffle nn.functional.poisson_nll_loss
            nn.functional.selu nn.functional.soft_margin_loss nn.functional.softshrink nn.functional.threshold
            nn.functional.triplet_margin_with_distance_loss nn.functional.unfold nn.functional.upsample_bilinear
            nn.functional.upsample_nearest nonzero_static ormqr quantile renorm rot90 round.decimals_3
            round.decimals_neg_3 signal.windows.bartlett signal.windows.blackman signal.windows.cosine
            signal.windows.exponential signal.windows.gaussian signal.windows.general_cosine
            signal.windows.general_hamming signal.windows.hamming signal.windows.hann signal.windows.kaiser
            signal.windows.nuttall special.airy_ai special.bessel_j0 special.bessel_j1 special.bessel_y0
            special.bessel_y1 special.chebyshev_polynomial_t special.chebyshev_polynomial_u
            special.chebyshev_polynomial_v special.chebyshev_polynomial_w special.hermite_polynomial_h
            special.hermite_polynomial_he special.laguerre_polynomial_l special.legendre_polynomial_p
            special.modified_bessel_i0 special.modified_bessel_i1 special.modified_bessel_k0
            special.modified_bessel_k1 special.scaled_modified_bessel_k0 special.scaled_modified_bessel_k1
            special.shifted_chebyshev_polynomial_t special.shifted_chebyshev_polynomial_u
            special.shifted_chebyshev_polynomial_v special.shifted_chebyshev_polynomial_w
            special.spherical_bessel_j0 stft topk torch._scaled_mm torch._scaled_mm_v2
            torch.ops.aten._efficient_attention_forward torch.ops.aten._flash_attention_forward
            torch.ops.aten._safe_softmax.default trapezoid trapz triangular_solve tril_indices triu_indices unfold
            unfold_copy unique_consecutive unravel_index vsplit vstack
        """,
        "random": """
            bernoulli cauchy exponential geometric log_normal multinomial nn.functional.alpha_dropout
            nn.functional.dropout3d nn.functional.feature_alpha_dropout nn.functional.fractional_max_pool2d
            nn.functional.fractional_max_pool3d nn.functional.rrelu normal pca_lowrank rand_like randint
            randint_like randn randn_like svd_lowrank uniform
        """,
        "its result is not initialised": """
            empty empty_like empty_permuted empty_strided new_empty new_empty_strided resize_ resize_as_
        """,
        "about memory, not about numbers": """
            alias_copy as_strided as_strided_copy as_strided_scatter contiguous resolve_conj resolve_neg sparse.mm
            sparse.sampled_addmm to to_sparse
        """,
        "what is written twice does not add up": """
            _unsafe_masked_index _unsafe_masked_index_put_accumulate index_add index_reduce scatter_add
            scatter_reduce
        """,
    }.items()
    for name in names.split()
}
