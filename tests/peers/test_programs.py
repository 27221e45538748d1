"""Random programs: graphs of 1 to 40 ops with the gradients of PyTorch, and with its gradients of gradients.

AGRAD_PROGRAMS sets how many are drawn.
"""

import os

import pytest
from hypothesis import given, note, settings

import agrad
from tests.peers.programs import close, programs, shapes, step, weights

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.property]

PROGRAMS = int(os.environ.get("AGRAD_PROGRAMS", "100"))


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
    terms = [(g * agrad.asarray(weights(g.shape, 2))).sum() for g, _ in pairs if g is not None]
    total = sum(terms, start=agrad.asarray(0.0))
    other = sum((e * torch.asarray(weights(tuple(e.shape), 2))).sum() for _, e in pairs)
    second = agrad.gradients(total, leaves, allow_unused=True) if total.requires_grad else [None] * len(leaves)
    expected = torch.autograd.grad(other, other_leaves, allow_unused=True)
    for k, (g, e, v) in enumerate(zip(second, expected, values, strict=True)):
        close(g, torch.zeros(v.shape) if e is None else e, f"the second-order gradient of input {k}")
