"""The ops that random programs are made of, each written for agrad and for PyTorch; programs, and their comparison."""

import math
from contextlib import suppress

import numpy as np
from hypothesis import strategies as st

import agrad

with suppress(ImportError):  # the tests that use it skip themselves where it is missing
    import torch

LARGE, MOST = 4.0, 2000  # beyond the one, values are squeezed; results of more elements are not made


def pick(options, n):
    return options[n % len(options)]


def keys(shape, n):
    """Return a key for an array of that shape, and whether it repeats an element."""
    axis = n % len(shape)
    length = shape[axis]
    before = (slice(None),) * axis
    choices = [
        ((*before, n // 7 % length), False),
        ((*before, slice(n % length, None, 1 + n % 2)), False),
        ((..., None), False),
        ((*before, [n % length, -1, n % length]), True),
        ((*before, np.arange(length) % 2 == 0), False),
        (tuple([n % m, 0] for m in shape), True),
    ]
    return pick(choices, n // 5)


# Each op of one array takes the library, the array and a number that decides the rest; None where it does not apply.


def axis_of(x, n):
    return n % x.ndim if x.ndim else None


def reduced(name, torchs_name=None):
    def reduce(L, x, n):
        if not x.ndim:
            return None
        name_here = name if L is agrad else torchs_name or name
        return getattr(L, name_here)(x, axis=axis_of(x, n), keepdims=bool(n // 3 % 2))

    return reduce


def variance(L, x, n):
    return L.var(x, axis=axis_of(x, n), correction=0) if x.ndim else None


def logsumexp(L, x, n):
    if not x.ndim:
        return None
    return L.logsumexp(x, axis=axis_of(x, n)) if L is agrad else L.logsumexp(x, dim=axis_of(x, n))


def cumulated(L, x, n):
    if not x.ndim:
        return None
    return L.cumulative_sum(x, axis=axis_of(x, n)) if L is agrad else L.cumsum(x, dim=axis_of(x, n))


def sorted_(L, x, n):
    if not x.ndim:
        return None
    return L.sort(x, axis=axis_of(x, n)) if L is agrad else L.sort(x, dim=axis_of(x, n), stable=True).values


def indexed(L, x, n):
    return x[keys(x.shape, n)[0]] if x.ndim else None


def transposed(L, x, n):
    axes = sorted(range(x.ndim), key=lambda axis: (n >> axis & 1, -axis))
    return L.permute_dims(x, axes) if L is agrad else L.permute(x, axes)


def flattened(L, x, n):
    return L.reshape(x, (-1,)) if n % 2 or x.ndim < 2 else L.reshape(x, (x.shape[0], -1))


def flipped(L, x, n):
    if not x.ndim:
        return None
    return L.flip(x, axis=axis_of(x, n)) if L is agrad else L.flip(x, dims=[axis_of(x, n)])


def rolled(L, x, n):
    if not x.ndim:
        return None
    return L.roll(x, n % 3, axis=axis_of(x, n)) if L is agrad else L.roll(x, n % 3, dims=axis_of(x, n))


def broadcast(L, x, n):
    return L.broadcast_to(x, (1 + n % 3, *x.shape))


def gram(L, x, n):
    return x @ (L.matrix_transpose(x) if L is agrad else x.mT) if x.ndim >= 2 else None


def along(L, function, x, n):
    """Call a function along an axis, which PyTorch calls dim."""
    return function(x, **{"axis" if L is agrad else "dim": axis_of(x, n)}) if x.ndim else None


def soft(L, x, n):
    return along(L, L.log_softmax if n // 5 % 2 else L.softmax, x, n)


def multiplied(L, x, n):
    return along(L, L.cumulative_prod if L is agrad else L.cumprod, L.cos(x), n)


def difference(L, x, n):
    return along(L, L.diff, x, n)


def taken(L, x, n):
    if not x.ndim:
        return None
    axis = axis_of(x, n)
    places = L.asarray([n % x.shape[axis], x.shape[axis] - 1, n % x.shape[axis]])
    return L.take(x, places, axis=axis) if L is agrad else L.index_select(x, axis, places)


def gathered(L, x, n):
    """Gather along an axis: elements in another order, or some of them repeatedly."""
    if not x.ndim:
        return None
    axis = axis_of(x, n)
    places = np.arange(math.prod(x.shape)).reshape(tuple(x.shape)) * (7 + n) % x.shape[axis]
    if n // 3 % 2:
        places = np.argsort(places, axis=axis)
    places = L.asarray(places)
    return L.take_along_axis(x, places, axis=axis) if L is agrad else L.take_along_dim(x, places, dim=axis)


def padded(L, x, n):
    if not x.ndim:
        return None
    before, after = n % 3, n // 3 % 3
    if L is agrad:
        return L.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, after)], constant_values=0.5)
    return L.nn.functional.pad(x, (before, after), value=0.5)


def repeated(L, x, n):
    if not x.ndim:
        return None
    return L.repeat(x, 2, axis=axis_of(x, n)) if L is agrad else L.repeat_interleave(x, 2, dim=axis_of(x, n))


def unstacked(L, x, n):
    if not x.ndim:
        return None
    rows = L.unstack(x) if L is agrad else L.unbind(x)
    return L.stack(list(rows)[::-1])


def triangle(L, x, n):
    if x.ndim < 2:
        return None
    return L.tril(x, k=n % 3 - 1) if L is agrad else L.tril(x, n % 3 - 1)


SUMS = {
    1: ["i,i->i", "i,j->ij", "i->"],
    2: ["ij,kj->ik", "ij,ij->j", "ij,ij,ij->i", "ij->ji"],
    3: ["ijk,ljk->il", "ijk,ijl->ikl", "ijk->kj", "ijk,ijk->"],
}


def einsum(L, x, n):
    """Sum products of an array with itself."""
    if x.ndim not in SUMS:
        return None
    subscripts = pick(SUMS[x.ndim], n)
    return L.einsum(subscripts, *[x] * (1 + subscripts.count(",")))


def filtered(L, x, n):
    """Go to frequencies, change them, and come back."""
    if not x.ndim:
        return None
    settings = {"axis" if L is agrad else "dim": axis_of(x, n), "norm": pick(["backward", "ortho", "forward"], n // 3)}
    if n // 9 % 2:
        y = L.fft.fft(x, **settings)
        return apart(L, L.real(L.fft.ifft(y * (2 + y), **settings)))
    y = L.fft.rfft(x, **settings)
    return apart(L, L.fft.irfft(y * (1 + 0.5j * y), n=x.shape[axis_of(x, n)], **settings))


def convolved(L, x, n):
    """Convolve an array with a part of itself."""
    stride, padding, f = 1 + n % 2, n // 2 % 2, L.nn.functional
    if x.ndim == 3:
        return f.conv1d(x, x[..., : 1 + n // 4 % 3], stride=stride, padding=padding)
    if x.ndim != 4:
        return None
    kernels = x[..., : 1 + n // 4 % 2, : 1 + n // 8 % 3]
    if n // 24 % 2:
        return f.conv2d(x, kernels, stride=stride, padding=padding)
    return f.conv_transpose2d(x, L.moveaxis(kernels, 0, 1), stride=stride)


def pooled(L, x, n):
    if x.ndim not in (3, 4):
        return None
    function = pick([L.nn.functional.max_pool2d, L.nn.functional.avg_pool2d], n)
    size = [1 + n // 2 % min(2, x.shape[-2]), 1 + n // 4 % min(2, x.shape[-1])]
    return function(x, tuple(size), stride=1 + n // 8 % 2)


def layer_norm(L, x, n):
    return L.nn.functional.layer_norm(x, tuple(x.shape[-1:]), eps=0.1) if x.ndim else None


def vector_norm(L, x, n):
    order = pick([1, 1.5, 2, 3], n // 3)
    return along(L, lambda x, **axis: L.linalg.vector_norm(x, ord=order, **axis), 2 + L.cos(x), n)


def apart(L, x):
    """Return an array with distinct numbers added, so that no tie and no sign is left to rounding."""
    return x + L.asarray(0.1 * np.cos(np.arange(math.prod(x.shape)).reshape(tuple(x.shape))))


def of_matrix(function):
    """Return an op of a matrix that has well separated singular values and eigenvalues."""

    def op(L, x, n):
        if x.ndim < 2:
            return None
        k = min(4, *x.shape[-2:])
        matrix = L.asarray(np.diag(1.0 + np.arange(k))) + 0.1 * L.tanh(x[..., :k, :k])
        return apart(L, function(L, matrix, n))

    return op


def symmetric(x):
    return (x + x.mT) / 2


def eigenvalues(L, x, n):
    values = L.real(L.linalg.eigvals(x))
    return (values * values * values).sum(-1)  # in whatever order


def eigenvectors(L, x, n):
    vectors = L.linalg.eigh(symmetric(x))[1]
    return vectors * vectors  # without their signs


def singular_vectors(L, x, n):
    u, s, vh = L.linalg.svd(x)
    return u * vh.mT + s[..., None, :]


def qr(L, x, n):
    q, r = L.linalg.qr(x)
    return q * r.mT + r * r


MATRICES = {
    "cholesky": lambda L, x, n: L.linalg.cholesky(symmetric(x)),
    "det": lambda L, x, n: L.linalg.det(x),
    "eigenvalues": eigenvalues,
    "eigenvectors": eigenvectors,
    "eigvalsh": lambda L, x, n: L.linalg.eigvalsh(symmetric(x)),
    "inv": lambda L, x, n: L.linalg.inv(x),
    "matrix_norm": lambda L, x, n: L.linalg.matrix_norm(x, ord=pick(["fro", "nuc", 2, -2, 1, math.inf], n)),
    "matrix_power": lambda L, x, n: L.linalg.matrix_power(x, pick([-2, -1, 0, 2, 3], n)),
    "pinv": lambda L, x, n: L.linalg.pinv(x[..., :2]),
    "qr": qr,
    "singular vectors": singular_vectors,
    "slogdet": lambda L, x, n: L.linalg.slogdet(x)[1],
    "solve": lambda L, x, n: L.linalg.solve(x, x.mT[..., : 1 + n % 2]),
    "svdvals": lambda L, x, n: L.linalg.svdvals(x),
}

UNARY = {
    "sin": lambda L, x, n: L.sin(x),
    "cos": lambda L, x, n: L.cos(x),
    "tanh": lambda L, x, n: L.tanh(x),
    "sigmoid": lambda L, x, n: L.sigmoid(x),
    "exp": lambda L, x, n: L.exp(x),
    "log": lambda L, x, n: L.log(2 + x * x),
    "sqrt": lambda L, x, n: L.sqrt(1 + x * x),
    "reciprocal": lambda L, x, n: 1 / (2 + L.cos(x)),
    "power": lambda L, x, n: x ** (2 + n % 2),
    "abs": lambda L, x, n: L.abs(x),
    "relu": lambda L, x, n: L.relu(x),
    "expm1": lambda L, x, n: L.expm1(x),
    "sum": reduced("sum"),
    "mean": reduced("mean"),
    "max": reduced("max", "amax"),
    "min": reduced("min", "amin"),
    "var": variance,
    "logsumexp": logsumexp,
    "cumulative_sum": cumulated,
    "sort": sorted_,
    "index": indexed,
    "transpose": transposed,
    "flatten": flattened,
    "flip": flipped,
    "roll": rolled,
    "broadcast": broadcast,
    "gram": gram,
    "clip": lambda L, x, n: L.clip(x, -0.5, 1.0),
    "convolve": convolved,
    "cumulative_prod": multiplied,
    "diff": difference,
    "einsum": einsum,
    "erf": lambda L, x, n: L.erf(x),
    "fourier": filtered,
    "gather": gathered,
    "gelu": lambda L, x, n: L.nn.functional.gelu(x),
    "layer_norm": layer_norm,
    "pad": padded,
    "pool": pooled,
    "prod": reduced("prod"),
    "repeat": repeated,
    "softmax": soft,
    "softplus": lambda L, x, n: L.nn.functional.softplus(x),
    "take": taken,
    "tile": lambda L, x, n: L.tile(x, (2,) + (1,) * (x.ndim - 1)) if x.ndim else None,
    "triangle": triangle,
    "unstack": unstacked,
    "vector_norm": vector_norm,
} | {name: of_matrix(function) for name, function in MATRICES.items()}


def together(a, b):
    """Return the shape to which two shapes broadcast; None if they do not."""
    try:
        return np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        return None


def place(x, y, n):
    """Return a key of what one array may be written to in another; None if it does not fit, or names it twice."""
    key, repeats = keys(x.shape, n) if x.ndim else ((...,), False)
    target = np.empty(tuple(x.shape))[key].shape
    return None if repeats or together(target, y.shape) != target else key


def copied(L, x):
    return x + 0 if L is agrad else x.clone()


def written(L, x, y, n):
    """Write one array into another, where it fits."""
    key, x = place(x, y, n), copied(L, x)
    if key is None:
        return None
    x[key] = y
    return x


def added_in_place(L, x, y, n):
    """Add one array to a part of another, where it fits, and halve the whole, both in place."""
    key, x = place(x, y, n), copied(L, x)
    if key is None:
        return None
    x[key] += y
    x *= 0.5
    return x


def masked(L, x, y, n):
    """Write numbers, or the elements of another array, to where a condition holds."""
    if x.shape != y.shape:
        return None
    x, mask = copied(L, x), x > y
    x[mask] = y[mask] if n % 2 else 0.5
    return x


def same(op):
    """Return an op of two arrays of one shape that has axes."""
    return lambda L, x, y, n: op(L, x, y, n) if x.shape == y.shape and x.ndim else None


BINARY = {
    "add": lambda L, x, y, n: x + y,
    "subtract": lambda L, x, y, n: x - y,
    "multiply": lambda L, x, y, n: x * y,
    "divide": lambda L, x, y, n: x / (2 + L.sin(y)),
    "maximum": lambda L, x, y, n: L.maximum(x, y),
    "atan2": lambda L, x, y, n: L.atan2(x, 1 + y * y),
    "hypot": lambda L, x, y, n: L.hypot(x, 1 + y * y),
    "where": lambda L, x, y, n: L.where(x > y, x, y * y),
    "stack": lambda L, x, y, n: L.stack([x, y]) if x.shape == y.shape else None,
    "concat": lambda L, x, y, n: L.concat([x, y, x]) if x.shape == y.shape and x.ndim else None,
    "write": written,
    "add in place": added_in_place,
    "cross": same(lambda L, x, y, n: L.linalg.cross(x, y) if x.shape[-1] == 3 else None),
    "logaddexp": lambda L, x, y, n: L.logaddexp(x, y),
    "masked write": masked,
    "matmul": same(lambda L, x, y, n: x @ (y.mT if y.ndim > 1 else y)),
    "pow": lambda L, x, y, n: (1 + y * y) ** (2 + L.sin(x)),  # at 0, PyTorch forgets how the exponent varies
    "product": same(
        lambda L, x, y, n: L.einsum(pick(["...i,...j->...ij", "...i,...i->...", "...i,...i->i..."], n), x, y)
    ),
    "vecdot": same(lambda L, x, y, n: L.linalg.vecdot(x, y)),
}
OPS = sorted(UNARY) + sorted(BINARY)


def partner(pool, x, n):
    """Return an array that broadcasts with another."""
    return pick([y for y in pool if together(x[1].shape, y[1].shape) is not None], n)


def step(pool, op, i, n):
    """Return what an op makes of arrays of the pool, in both libraries; None where it does not apply."""
    x = pick(pool[-6:], i)
    if op in UNARY:
        pair = [UNARY[op](L, side, n) for L, side in zip((agrad, torch), x, strict=True)]
    else:
        y = partner(pool, x, n)
        pair = [BINARY[op](L, a, b, n) for L, a, b in zip((agrad, torch), x, y, strict=True)]
    if pair[1] is None or not 0 < pair[1].numel() <= MOST:
        return None
    if pair[1].detach().abs().max() > LARGE:
        pair = [L.tanh(side) * 2 for L, side in zip((agrad, torch), pair, strict=True)]
    return pair


def close(found, expected, what):
    """Compare with PyTorch, relative to the largest number."""
    ours = np.zeros(tuple(expected.shape)) if found is None else found.detach().numpy()
    theirs = expected.detach().clone().numpy(force=True)  # a clone, since PyTorch's zeros may be without memory
    assert ours.shape == theirs.shape, what
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    assert np.allclose(ours, theirs, rtol=1e-8, atol=1e-9 * scale), f"{what}: {ours} and PyTorch's {theirs}"


def weights(shape, phase):
    return np.cos(np.arange(np.prod(shape, dtype=int)) + phase).reshape(shape)


programs = st.integers(1, 40).flatmap(
    lambda n: st.lists(
        st.tuples(st.sampled_from(OPS), st.integers(0, 999), st.integers(0, 999)), min_size=n, max_size=n
    )
)
shapes = st.lists(st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=3)
