"""What the comparisons with PyTorch share: the same numbers in both libraries, and one check of all results."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

import agrad
import agrad.nn
from agrad.testing import assert_close

with suppress(ImportError):  # the tests that use it skip themselves where it is missing
    import torch

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


def twins(shape, precision="float64", seed=0):
    """The same random numbers as leaves of both libraries."""
    values = np.random.default_rng([seed, *shape]).standard_normal(shape).astype(precision)
    return agrad.asarray(values, requires_grad=True), torch.tensor(values, requires_grad=True)


def compare(ours, theirs, leaves=(), precision="float64"):
    """Compare results, or several of them, and the gradients of the leaves under random weights."""
    outputs = list(zip(ours, theirs, strict=True)) if isinstance(ours, tuple) else [(ours, theirs)]
    mine: Any = 0.0
    other: Any = 0.0
    for i, (a, b) in enumerate(outputs):
        close(a.detach(), b.detach(), precision)
        weights = np.random.default_rng(i).standard_normal(a.shape).astype(precision)
        mine = mine + (a * agrad.asarray(weights)).sum()
        other = other + (b * torch.tensor(weights)).sum()
    if leaves:
        mine.backward()
        other.backward()
    for a, b in leaves:
        close(a.grad, b.grad, precision)


def close(ours, theirs, precision="float64"):
    """Compare numbers: the error is measured against the largest of them, since sums lose what cancels in them."""
    expected = theirs.numpy()
    scale = float(np.max(np.abs(expected), initial=1.0))
    assert ours.dtype.name == str(expected.dtype)
    assert_close(ours, expected, rtol=TOLERANCE[precision], atol=TOLERANCE[precision] * scale)


def compare_functions(name, *shapes, precision="float64", **settings):
    """Call one function of both functional modules with the same numbers."""
    leaves = [twins(shape, precision, i) for i, shape in enumerate(shapes)]
    ours = getattr(agrad.nn.functional, name)(*(mine for mine, _ in leaves), **settings)
    theirs = getattr(torch.nn.functional, name)(*(other for _, other in leaves), **settings)
    compare(ours, theirs, leaves, precision)


def pair(make, precision="float64"):
    """Make a module of both libraries, with PyTorch's initial values in both."""
    ours, theirs = make(agrad).to(getattr(agrad, precision)), make(torch).to(getattr(torch, precision))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return ours, theirs


def compare_modules(make, *shapes, precision="float64"):
    """Compare a module of both libraries: its text, its state dict, and what it makes of the same numbers."""
    ours, theirs = pair(make, precision)
    assert repr(ours) == repr(theirs)
    inputs = [twins(shape, precision, i) for i, shape in enumerate(shapes)]
    results = ours(*(mine for mine, _ in inputs)), theirs(*(other for _, other in inputs))
    compare(*results, [*inputs, *zip(ours.parameters(), theirs.parameters(), strict=True)], precision)
    for (_, mine), (_, other) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert_close(mine, other.numpy(), rtol=TOLERANCE[precision], atol=TOLERANCE[precision])
