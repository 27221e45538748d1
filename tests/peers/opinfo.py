"""The samples of PyTorch's operator database, and one of them in both libraries: values, gradients, second order.

`op_db` is what PyTorch tests its own operators with. An entry is called as its operator is, and makes samples of
arguments. `opinfo_table.py` says what agrad calls the same.
"""

import random
from contextlib import suppress
from functools import cache

import numpy as np
import pytest

import agrad
from tests.peers.opinfo_calls import Row
from tests.peers.opinfo_table import LEFT_OUT, TABLE

with suppress(ImportError):  # the tests that use it skip themselves where it is missing
    import torch

DTYPES = ("float32", "float64", "complex128", "int64", "bool")
PLACEMENT = {"device", "layout", "memory_format", "pin_memory", "requires_grad"}  # where a result lies, not what it is
ORDERS = ("values", "gradients", "second order")
TOLERANCE = {"bool": 0.0, "float16": 2e-3, "float32": 2e-5, "complex64": 2e-5}  # of the others: 1e-10


@cache
def operators():
    """Return PyTorch's operators by the names that they have in the table, or in the list of what is left out.

    The import takes seconds, and so it waits for the first test that needs it.
    """
    pytest.importorskip("expecttest")  # which the module needs, and torch does not install
    from torch.testing._internal.common_methods_invocations import op_db

    found = {}
    for op in op_db:
        own = op.full_name in TABLE or op.full_name in LEFT_OUT  # a variant with a name of its own
        found.setdefault(op.full_name if own else op.name, []).append(op)
    return found


def row_of(name):
    entry = TABLE[name]
    return entry if isinstance(entry, Row) else Row(entry)


def samples_of(name):
    """Yield the operators that a row stands for, with each dtype that they take and each of their samples."""
    for op in operators().get(name, ()):
        for dtype in DTYPES:
            if getattr(torch, dtype) in op.dtypes:
                for sample in made(op, getattr(torch, dtype)):
                    yield op, dtype, sample


def made(op, dtype):
    """Return an operator's samples, always the same.

    They come from the function behind `op.sample_inputs`, which looks through the stack for a unittest, and keeps texts
    of the stack for GPUs that may be seeded later: minutes in all.
    """
    torch.default_generator.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    tracked = op.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
    return list(op.sample_inputs_func(op, "cpu", dtype, tracked))


class Twins:
    """The arguments of a sample for agrad and for PyTorch, and the leaves among them."""

    def __init__(self, sample):
        self.leaves = []
        self._made = {}
        pairs = [self._twin(x) for x in (sample.input, *sample.args)]
        self.args, self.their_args = ([pair[side] for pair in pairs] for side in (0, 1))
        named = {key: self._twin(value) for key, value in sample.kwargs.items()}
        self.kwargs = {key: pair[0] for key, pair in named.items() if key not in PLACEMENT}
        self.their_kwargs = {key: pair[1] for key, pair in named.items()}

    def _twin(self, x):
        if isinstance(x, (list, tuple)):
            pairs = [self._twin(item) for item in x]
            kind = list if isinstance(x, list) else tuple
            return kind(pair[0] for pair in pairs), kind(pair[1] for pair in pairs)
        if isinstance(x, torch.dtype):
            return getattr(agrad, str(x).removeprefix("torch.")), x
        if not isinstance(x, torch.Tensor):
            return x, x
        if id(x) not in self._made:  # what is given twice is one leaf
            values = x.detach().resolve_conj().resolve_neg().numpy()
            ours = agrad.asarray(values, copy=True, requires_grad=x.requires_grad)
            self._made[id(x)] = ours, x.detach().requires_grad_(x.requires_grad)
            if x.requires_grad:
                self.leaves.append(self._made[id(x)])
        return self._made[id(x)]

    def are(self, but):
        """Whether these are among the arguments with which the libraries may differ."""
        return bool(but.when(*self.args, **self.kwargs))


def problem_of(row, op, dtype, twins):
    """Return where the libraries differ first, one of `ORDERS`, and how; None where they agree."""
    comparisons = compared(row, op, dtype, twins)
    for order in ORDERS:
        try:
            next(comparisons, None)
        except Exception as error:  # of either library
            return order, f"{type(error).__name__}: {error}"
    return None


def compared(row, op, dtype, twins):
    """Compare values, then gradients, then the gradients of these; it ends where nothing more is tracked."""
    mine = flat(row.result(row.call(*twins.args, **twins.kwargs)))
    theirs = flat(row.result(op(*twins.their_args, **twins.their_kwargs)))
    yield compare(mine, theirs, row.loose, same_dtype=dtype not in ("int64", "bool"))
    leaves = list(twins.leaves)
    generator = np.random.default_rng(0)
    while leaves and any(is_tracked(x) for x in (*mine, *theirs)):
        weights = [weight_twins(generator, x) for x in theirs]
        mine = gradients(agrad.gradients, mine, weights, leaves, 0)
        theirs = gradients(torch.autograd.grad, theirs, weights, leaves, 1)
        yield compare(mine, theirs, row.loose)
        leaves += [pair for pair in weights if pair is not None]


def flat(out):
    """Return the arrays and numbers that an operator returned, in one list."""
    return [x for item in out for x in flat(item)] if isinstance(out, (list, tuple)) else [out]


def is_tracked(x):
    return getattr(x, "requires_grad", False)


def weight_twins(generator, x):
    """Return the cotangent of a result for both libraries; they are leaves too, of the gradients of gradients."""
    if not is_tracked(x):
        return None
    values = generator.standard_normal((2, *x.shape))
    weights = torch.tensor(values[0] + 1j * values[1] if x.is_complex() else values[0], dtype=x.dtype)
    return agrad.asarray(weights.numpy(), copy=True, requires_grad=True), weights.requires_grad_()


def gradients(grad, outputs, weights, leaves, side):
    """Return the gradients of the weighted outputs in one of the libraries; None where nothing leads."""
    pairs = [(x, w[side]) for x, w in zip(outputs, weights, strict=True) if is_tracked(x) and w is not None]
    if not pairs:
        return [None] * len(leaves)
    xs, ws = zip(*pairs, strict=True)
    return list(grad(xs, [leaf[side] for leaf in leaves], ws, create_graph=True, allow_unused=True))


def compare(mine, theirs, loose, same_dtype=True):
    """Compare results or gradients; None is a gradient of zeros."""
    assert len(mine) == len(theirs), f"{len(mine)} results, and PyTorch's {len(theirs)}"
    for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
        if a is None and b is None:
            continue
        found, expected = numbers(a, b), numbers(b, a)
        assert found.shape == expected.shape, f"{i}: shape {found.shape}, and PyTorch's {expected.shape}"
        dtypes = found.dtype, expected.dtype
        same = dtypes[0] == dtypes[1] if same_dtype else kind(dtypes[0]) == kind(dtypes[1])
        assert same, f"{i}: {dtypes[0]}, and PyTorch's {dtypes[1]}"
        tolerance = loose * max(TOLERANCE.get(dtype.name, 1e-10) for dtype in dtypes)
        assert_near(f"{i}: ", found, expected, tolerance)


def numbers(x, other):
    """Return an array or number of either library for NumPy; zeros in place of the gradient that is None."""
    if x is None:
        return np.zeros_like(numbers(other, None))
    if isinstance(x, torch.Tensor):
        return x.detach().clone().numpy(force=True)  # a clone, since PyTorch's zeros may be without memory
    return x.detach().numpy() if isinstance(x, agrad.Tensor) else np.asarray(x)


def kind(dtype):
    return dtype.kind.replace("u", "i")


def assert_near(what, found, expected, tolerance):
    """Compare numbers, relative to the largest finite one: sums lose what cancels in them."""
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    near = np.isclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if not near.all():
        place = tuple(np.argwhere(~near)[0].tolist())
        wrong = f"{found[place]}, and PyTorch's {expected[place]}"
        raise AssertionError(f"{what}{wrong} at {place}; {np.sum(~near)} of {near.size} differ")
