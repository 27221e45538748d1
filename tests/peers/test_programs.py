"""Random programs: graphs of 1 to 40 ops with the gradients of PyTorch, and with its gradients of gradients.

AGRAD_PROGRAMS sets how many are drawn.
"""

import os

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

import agrad

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.property]

PROGRAMS = int(os.environ.get("AGRAD_PROGRAMS", "100"))
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
}


def together(a, b):
    """Return the shape to which two shapes broadcast; None if they do not."""
    try:
        return np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        return None


def written(L, x, y, n):
    """Write one array into another, where it fits."""
    key, repeats = keys(x.shape, n) if x.ndim else ((...,), False)
    target = np.empty(tuple(x.shape))[key].shape
    if repeats or together(target, y.shape) != target:
        return None
    x = x + 0 if L is agrad else x.clone()
    x[key] = y
    return x


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
    theirs = expected.detach().numpy(force=True)
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


@settings(max_examples=PROGRAMS)
@given(shapes=shapes, program=programs)
def test_random_programs_have_pytorchs_gradients(shapes, program):
    values = [weights(shape, 1 + k) * 1.5 for k, shape in enumerate(shapes)]
    inputs = [(agrad.asarray(v, requires_grad=True), torch.tensor(v, requires_grad=True)) for v in values]
    pool = list(inputs)
    for op, i, n in program:
        pair = step(pool, op, i, n)
        if pair is not None:
            note(f"{op} {i} {n}: {tuple(pair[1].shape)}")
            assert pair[0].shape == tuple(pair[1].shape)
            pool.append(pair)
    mine, theirs = pool[-1]
    close(mine, theirs, "the value")
    w = weights(tuple(theirs.shape), 0.3)
    mine, theirs = (mine * agrad.asarray(w)).sum(), (theirs * torch.asarray(w)).sum()
    leaves, other_leaves = ([pair[side] for pair in inputs] for side in (0, 1))
    first = agrad.gradients(mine, leaves, create_graph=True, allow_unused=True)
    expected = torch.autograd.grad(theirs, other_leaves, create_graph=True, allow_unused=True)
    for k, (g, e, v) in enumerate(zip(first, expected, values, strict=True)):
        close(g, torch.zeros(v.shape) if e is None else e, f"the gradient of input {k}")
    pairs = [(g, e) for g, e in zip(first, expected, strict=True) if e is not None and e.requires_grad]
    if not pairs:
        return
    total = sum((g * agrad.asarray(weights(g.shape, 2))).sum() for g, _ in pairs)
    other = sum((e * torch.asarray(weights(tuple(e.shape), 2))).sum() for _, e in pairs)
    second = agrad.gradients(total, leaves, allow_unused=True) if total.requires_grad else [None] * len(leaves)
    expected = torch.autograd.grad(other, other_leaves, allow_unused=True)
    for k, (g, e, v) in enumerate(zip(second, expected, values, strict=True)):
        close(g, torch.zeros(v.shape) if e is None else e, f"the second-order gradient of input {k}")
