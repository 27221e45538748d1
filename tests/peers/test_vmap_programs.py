"""Random programs under vmap: values and gradients of each example are PyTorch's, which computes one at a time.

AGRAD_PROGRAMS sets how many are drawn.
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


def recorded(values, program):
    """Run a program in PyTorch; return the steps that apply, and whether their results are squeezed."""
    pool, steps = [(x, x) for x in map(torch.tensor, values)], []
    for op, i, n in program:
        y = applied(torch, pool, op, i, n)
        if y is not None and 0 < y.numel() <= MOST:
            squeeze = bool(y.abs().max() > LARGE)
            steps.append((op, i, n, squeeze))
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
    steps = recorded([batch[0] for batch in batches], program)

    def number(L):
        def weighed(*inputs):
            y = replayed(L, inputs, steps)
            return (y * L.asarray(weights(tuple(y.shape), 0.3))).sum()

        return weighed

    argnums = range(len(shapes))
    try:
        values, slopes = agrad.vmap(agrad.value_and_grad(number(agrad), argnums))(*map(agrad.asarray, batches))
    except UnknownValueError:
        return  # it writes where a mask says
    for b in range(BATCH):
        leaves = [torch.tensor(batch[b], requires_grad=True) for batch in batches]
        value = number(torch)(*leaves)
        close(values[b], value, f"the value of example {b}")
        expected = torch.autograd.grad(value, leaves, allow_unused=True)
        for k, (g, e) in enumerate(zip(slopes, expected, strict=True)):
            close(g[b], torch.zeros(shapes[k]) if e is None else e, f"the gradient of input {k} of example {b}")
