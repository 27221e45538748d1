"""Random programs under vmap: values and gradients of each example are those of `torch.func.vmap`.

Where PyTorch cannot vectorize a program, it computes one example at a time. AGRAD_PROGRAMS sets how many are drawn.
"""

import os

import numpy as np
import pytest
from hypothesis import given, settings

import agrad
from agrad.backends import UnknownValueError
from tests.peers.programs import BINARY, LARGE, MOST, UNARY, close, partner, pick, programs, shapes, weights

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.property]

PROGRAMS = int(os.environ.get("AGRAD_PROGRAMS", "60"))
BATCH = 3


def applied(L, pool, op, i, n):
    """Return what an op makes of arrays of the pool, in one library."""
    x = pick(pool[-6:], i)
    return UNARY[op](L, x[0], n) if op in UNARY else BINARY[op](L, x[0], partner(pool, x, n)[0], n)


def recorded(batches, program):
    """Run a program for each example; return the steps that apply, and whether their results are squeezed."""
    pools, steps = [[(x, x) for x in map(torch.tensor, values)] for values in zip(*batches, strict=True)], []
    for op, i, n in program:
        ys = [applied(torch, pool, op, i, n) for pool in pools]
        if ys[0] is not None and 0 < ys[0].numel() <= MOST:
            squeeze = any(y.abs().max() > LARGE for y in ys)
            steps.append((op, i, n, squeeze))
            for pool, y in zip(pools, ys, strict=True):
                y = torch.tanh(y) * 2 if squeeze else y
                pool.append((y, y))
    return steps


def replayed(L, inputs, steps):
    pool = [(x, x) for x in inputs]
    for op, i, n, squeeze in steps:
        y = applied(L, pool, op, i, n)
        y = L.tanh(y) * 2 if squeeze else y
        pool.append((y, y))
    return pool[-1][0]


@settings(max_examples=PROGRAMS)
@given(shapes=shapes, program=programs)
def test_random_programs_under_vmap_have_pytorchs_gradients(shapes, program):
    batches = [np.stack([weights(shape, 1 + k + b) * 1.5 for b in range(BATCH)]) for k, shape in enumerate(shapes)]
    steps = recorded(batches, program)

    def number(L):
        def weighed(*inputs):
            y = replayed(L, inputs, steps)
            return (y * L.asarray(weights(tuple(y.shape), 0.3))).sum()

        return weighed

    argnums = tuple(range(len(shapes)))
    try:
        values, slopes = agrad.vmap(agrad.value_and_grad(number(agrad), argnums))(*map(agrad.asarray, batches))
    except UnknownValueError:
        return  # it writes where a mask says
    expected_slopes, expected = theirs(number(torch), argnums, batches)
    close(values, expected, "the values")
    for k, (g, e) in enumerate(zip(slopes, expected_slopes, strict=True)):
        close(g, e, f"the gradients of input {k}")


def theirs(number, argnums, batches):
    """Return PyTorch's gradients and values of a batch: vectorized, or in a loop where that is not possible."""
    both, arrays = torch.func.grad_and_value(number, argnums), [torch.tensor(batch) for batch in batches]
    try:
        return torch.func.vmap(both)(*arrays)
    except (RuntimeError, NotImplementedError):
        each = [both(*xs) for xs in zip(*arrays, strict=True)]
        slopes = zip(*[slopes for slopes, _ in each], strict=True)
        return [torch.stack(parts) for parts in slopes], torch.stack([value for _, value in each])
