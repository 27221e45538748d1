"""What the rows of `opinfo_table.py` are made of: agrad's functions, called with PyTorch's arguments."""

import math
from collections.abc import Callable
from typing import NamedTuple

import agrad
from agrad import linalg
from agrad.nn import functional as F


class But(NamedTuple):
    """A difference that is meant.

    Attributes
    ----------
    reason : str
    when : callable
        Called with agrad's arguments; whether the libraries may differ with them.
    since : str
        What may differ first: "values", "gradients" or "second order".
    """

    reason: str
    when: Callable[..., bool]
    since: str = "values"


class Row:
    """How an operator is compared.

    Parameters
    ----------
    call : callable
        agrad's counterpart, called with the arguments of PyTorch's operator.
    *but : But
        Each is checked to hold still for some sample.
    result : callable
        What of the result is compared, in both libraries, where not all of it is determined.
    loose : float
        A factor on the tolerance.
    """

    def __init__(self, call, *but, result=lambda out: out, loose=1.0):
        self.call, self.but, self.result, self.loose = call, but, result, loose


# Arguments


def axes(dim):
    """Return PyTorch's `dim` as an axis: an empty list stands for all."""
    return tuple(dim) or None if isinstance(dim, (list, tuple)) else dim


def sizes(size):
    """Return a shape that is given as several numbers or as one tuple."""
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (list, tuple)) else size


def listed(xs):
    """Return arrays that are given one by one or in one list."""
    return xs[0] if len(xs) == 1 and isinstance(xs[0], (list, tuple)) else xs


def cast(function):
    """Return a function whose array is cast first, if a dtype is given."""

    def call(x, *args, dtype=None, **settings):
        return function(x if dtype is None else agrad.astype(x, dtype), *args, **settings)

    return call


def like(value, x):
    return agrad.astype(agrad.asarray(value), x.dtype)


def wide(x):
    """Return an array or a number in double precision."""
    x = agrad.asarray(x)
    return agrad.astype(x, agrad.complex128 if agrad.isdtype(x.dtype, "complex floating") else agrad.float64)


def times(factor, x):
    """Return a multiple; where the factor is 1 the array itself, for booleans have no multiples."""
    return x if factor == 1 else factor * x


def added(product):
    return lambda x, a, b, beta=1, alpha=1: times(beta, x) + times(alpha, product(a, b))


# Reductions, and what goes along an axis


def reduction(function):
    return lambda x, dim=None, keepdim=False, **settings: function(x, axis=axes(dim), keepdims=keepdim, **settings)


def spread(function):
    """Return a variance or deviation, which PyTorch corrects by 1 unless told otherwise."""

    def call(x, dim=None, unbiased=True, keepdim=False, correction=None):
        correction = int(unbiased) if correction is None else correction
        return function(x, axis=axes(dim), correction=correction, keepdims=keepdim)

    return call


def beside_mean(function):
    def call(x, dim=None, keepdim=False, **settings):
        return function(x, dim, keepdim=keepdim, **settings), agrad.mean(x, axis=axes(dim), keepdims=keepdim)

    return call


def extreme(largest, place):
    """Return a reduction that returns where the extreme is, too."""
    return lambda x, dim, keepdim=False: [f(x, axis=dim, keepdims=keepdim) for f in (largest, place)]


def aminmax(x, dim=None, keepdim=False):
    return [f(x, axis=dim, keepdims=keepdim) for f in (agrad.min, agrad.max)]


def argsort(x, dim=-1, descending=False, stable=False):
    return agrad.argsort(x, axis=dim, descending=descending)


def sort(x, dim=-1, descending=False, stable=False):
    return agrad.sort(x, axis=dim, descending=descending), argsort(x, dim, descending)


def diff(x, n=1, dim=-1, prepend=None, append=None):
    return agrad.diff(x, n=n, axis=dim, prepend=prepend, append=append)


def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    found = agrad.unique_all(x)
    return found.values, *[found.inverse_indices] * return_inverse, *[found.counts] * return_counts


def searchsorted(row, x, out_int32=False, right=False, side="left", sorter=None):
    found = agrad.searchsorted(row, x, side="right" if right else side, sorter=sorter)
    return agrad.astype(found, agrad.int32) if out_int32 else found


def transform(function):
    return lambda x, n=None, dim=-1, norm="backward": function(x, n=n, axis=dim, norm=norm)


def transforms(function, dim=None):
    def call(x, s=None, dim=dim, norm="backward"):
        if s is not None and dim is None:
            dim = range(-len(s), 0)
        return function(x, s=s, axes=(dim,) if isinstance(dim, int) else dim, norm=norm)

    return call


# Shapes


def at(x, dim, key):
    """Return a key that is `key` along one axis."""
    return (slice(None),) * (dim % max(x.ndim, 1)) + (key,)


def parts(x, lengths, dim=0):
    """Return an array in parts of these lengths."""
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [x[at(x, dim, slice(end - length, end))] for length, end in zip(lengths, ends, strict=True)]


def split(x, size, dim=0):
    n = x.shape[dim]
    return parts(x, [min(size, n - i) for i in range(0, n, size)] if isinstance(size, int) else size, dim)


def chunk(x, n, dim=0):
    return split(x, -(-x.shape[dim] // n), dim)


def tensor_split(x, cuts, dim=0):
    """Return an array in that many parts, or cut at these places."""
    n, cuts = x.shape[dim], cuts.tolist() if isinstance(cuts, agrad.Tensor) else cuts
    if isinstance(cuts, int):
        return parts(x, [n // cuts + (i < n % cuts) for i in range(cuts)], dim)
    return [x[at(x, dim, slice(a, b))] for a, b in zip([0, *cuts], [*cuts, n], strict=True)]


def expand(x, shape):
    """Return an array broadcast to a shape, in which -1 keeps a length."""
    lengths = (1,) * (len(shape) - x.ndim) + x.shape
    return agrad.broadcast_to(x, tuple(n if m == -1 else m for n, m in zip(lengths, shape, strict=True)))


def squeeze(x, dim=None):
    """Return an array without axes of length 1: all of them, or those of these."""
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    return agrad.squeeze(x, axis=tuple(axis for axis in dims if x.ndim and x.shape[axis] == 1))


def sum_to_size(x, *size):
    shape = sizes(size)
    extra = x.ndim - len(shape)
    short = [axis for axis in range(x.ndim) if axis < extra or shape[axis - extra] != x.shape[axis]]
    return agrad.reshape(agrad.sum(x, axis=tuple(short)), shape) if short or not shape else x


def reverse(x):
    return agrad.permute_dims(x, tuple(range(x.ndim))[::-1])


def swap(x, a, b):
    order = list(range(x.ndim))
    if order:
        order[a], order[b] = order[b], order[a]
    return agrad.permute_dims(x, tuple(order))


def diagonal(x, offset=0, dim1=0, dim2=1):
    return linalg.diagonal(agrad.moveaxis(x, (dim1, dim2), (-2, -1)), offset=offset)


# Reading and writing by indices


def grid(x, dim, index):
    """Return the key that has, along one axis, an index for each element, and along the others its own place."""
    places = list(agrad.meshgrid(*(agrad.arange(n) for n in index.shape), indexing="ij"))
    places[dim] = index
    return tuple(places)


def written(x, key, value):
    """Return a copy in which something is written."""
    x = agrad.asarray(x, copy=True)
    x[key] = value
    return x


def scatter(x, dim, index, y, reduce=None):
    if isinstance(y, agrad.Tensor):
        y = y[tuple(slice(n) for n in index.shape)]
    return written(x, grid(x, dim, index), y)


def slice_scatter(x, y, dim=0, start=None, end=None, step=1):
    return written(x, at(x, dim, slice(start, end, step)), y)


def put(x, index, y, accumulate=False):
    return agrad.reshape(written(agrad.reshape(x, (-1,)), index, y), x.shape)


def take_along_dim(x, index, dim=None):
    if dim is None:
        return agrad.take_along_axis(agrad.reshape(x, (-1,)), agrad.reshape(index, (-1,)))
    return agrad.take_along_axis(x, index, axis=dim)


def nonzero(x, as_tuple=False):
    places = agrad.nonzero(x)
    return places if as_tuple else agrad.stack(places, axis=-1)


# Matrices


def matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False):
    norm = linalg.matrix_norm(agrad.moveaxis(x, tuple(dim), (-2, -1)), ord=ord, keepdims=keepdim)
    return agrad.moveaxis(norm, (-2, -1), tuple(dim)) if keepdim else norm


def vector_norm(x, ord=2, dim=None, keepdim=False):
    return linalg.vector_norm(x, ord=ord, axis=axes(dim), keepdims=keepdim)


def norm(x, ord=None, dim=None, keepdim=False):
    """Return the norm that `torch.linalg.norm` finds: of matrices where there is an order and there are two axes."""
    dim = (0, 1) if dim is None and ord is not None and x.ndim == 2 else dim
    if ord is not None and isinstance(dim, (list, tuple)) and len(dim) == 2:
        return matrix_norm(x, ord, dim, keepdim)
    return vector_norm(x, 2 if ord is None else ord, dim, keepdim)


def old_norm(x, p="fro", dim=None, keepdim=False):
    """Return the norm that `torch.norm` finds: of vectors, whatever the axes, but for nuclear ones."""
    if p == "nuc":
        return matrix_norm(x, p, (-2, -1) if dim is None else dim, keepdim)
    return vector_norm(x, 2 if p == "fro" else p, dim, keepdim)


def adjoint(x):
    return agrad.conj(agrad.matrix_transpose(x))


def cholesky(x, upper=False):
    return linalg.cholesky(x, upper=upper)


def lower(x, uplo):
    """Return a matrix whose lower triangle is to be read, in place of the one that is named."""
    return adjoint(x) if uplo == "U" else x


def solve(a, b, left=True):
    """Return the solution of equations: a vector for each matrix where that fits, or else a matrix."""
    if not left:
        return agrad.matrix_transpose(solve(agrad.matrix_transpose(a), agrad.matrix_transpose(b)))
    if b.ndim > 1 and b.shape == a.shape[:-1]:
        return linalg.solve(a, b[..., None])[..., 0]
    return linalg.solve(a, b)


def tensorinv(x, ind):
    matrix = agrad.reshape(x, (math.prod(x.shape[:ind]), -1))
    return agrad.reshape(linalg.inv(matrix), x.shape[ind:] + x.shape[:ind])


def svd(x, full_matrices=True):
    return linalg.svd(x, full_matrices=full_matrices)


def old_svd(x, some=True):
    u, s, vh = linalg.svd(x, full_matrices=not some)
    return u, s, adjoint(vh)


# Networks


def max_pool(function):
    return lambda x, return_indices=False, **settings: function(x, **settings)


def avg_pool2d(x, size, stride=None, *args, **settings):
    return F.avg_pool2d(x, size, stride or None, *args, **settings)  # PyTorch's may be empty


# What of a result is compared


def first(out):
    return out[0] if isinstance(out, (list, tuple)) else out


def power_sums(values):
    """Return what does not depend on the order of eigenvalues."""
    return [(values**k).sum(-1) for k in (1, 2, 3)]


def mixed(out):
    """Return what depends neither on the order of eigenvalues nor on the phases of eigenvectors."""
    values, vectors = out
    return [*power_sums(values), (abs(vectors) ** 2 * values[..., None, :]).sum(-1)]


def magnitudes(out):
    """Return magnitudes: PyTorch's gradient takes up cotangents of the diagonal's imaginary part, which is always 0."""
    return abs(first(out))


def without_phases(out):
    """Return eigenvalues, and the magnitudes of eigenvectors: they are determined up to a phase."""
    return out[0], abs(out[1])


def determined(usv):
    """Return singular values, and of the vectors the magnitudes of those that belong to one."""
    u, s, vh = usv
    k = s.shape[-1]
    return abs(u[..., :k]), s, abs(vh[..., :k, :])


def old_determined(usv):
    u, s, v = usv
    return determined((u, s, v.mT))
