"""Every row of tests/cases.py under vmap, against a loop: values, and gradients to the second order."""

import numpy as np
import pytest

import agrad
from agrad import backends
from agrad.testing import assert_close
from tests.ops.test_cases import arrays_of, each_row, find, make, outputs, prepared, tensors

BATCH = 3
# What has a result whose shape depends on the values of an argument, or carries them away: with that argument's place.
REFUSES = {
    "nonzero": 0,
    "unique_all": 0,
    "unique_counts": 0,
    "unique_inverse": 0,
    "unique_values": 0,
    "repeat-array": 1,
    "ops.data_type.move": 0,
}


def batches(case, is_complex, precision):
    """Return several draws of the arguments of a row."""
    random = np.random.default_rng(1)
    draws = [[make(spec, random, is_complex) for spec in case.args] for _ in range(BATCH)]
    return [tensors(draw, precision) for draw in draws]


def choices(count):
    """Yield the axis of the batch of each array, or None: of each alone and of all, in front and at the back."""
    for axis in (0, -1):
        for i in range(count):
            yield [axis if j == i else None for j in range(count)]
        if count > 1:
            yield [axis] * count


def stacked(draws, axes):
    """Return arrays with the batch as an axis, and for each of the batch the arrays themselves."""
    columns = list(zip(*draws, strict=True))
    together = [
        xs[0] if axis is None else agrad.stack(list(xs), axis=axis) for xs, axis in zip(columns, axes, strict=True)
    ]
    each = [[xs[0] if axis is None else xs[i] for xs, axis in zip(columns, axes, strict=True)] for i in range(BATCH)]
    return together, each


def refuses(case, axes):
    place = REFUSES.get(case.op, REFUSES.get(str(case)))
    return place is not None and axes[place] is not None


def real_sum(results, weights):
    """Return a real number that depends on all that is floating in the results, with weights that tell apart."""
    total = 0.0
    for x, weight in zip(results, weights, strict=True):
        if x.dtype.differentiable:
            total = total + agrad.sum(agrad.real(x * weight))
    return total


def compared(function, arrays, axes, tolerance, what):
    together, each = stacked(arrays, axes)
    found = agrad.vmap(function, in_axes=tuple(axes))(*together)
    expected = [function(*xs) for xs in each]
    for i, y in enumerate(outputs(found)):
        loop = agrad.stack([outputs(e)[i] for e in expected])
        assert y.shape == loop.shape, what
        assert_close(y, loop, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # that it copies what is not contiguous
@each_row
def test_a_row_under_vmap_equals_a_loop(device, case, is_complex):
    _, precision = prepared(case, is_complex, device)
    draws = batches(case, is_complex, precision)
    arrays, op = [arrays_of(draw) for draw in draws], find(case)
    if not arrays[0]:
        pytest.skip(f"{case} takes no arrays")

    def function(*xs):
        return case.run(op, refill_tensors(draws[0], xs))

    tolerance = max(case.tolerance, 1e-9) if precision == "double" else 1e-4
    for axes in choices(len(arrays[0])):
        if refuses(case, axes):
            with pytest.raises(backends.UnknownValueError, match="under vmap"):
                compared(function, arrays, axes, tolerance, axes)
        else:
            compared(function, arrays, axes, tolerance, axes)


@pytest.mark.property
@each_row
def test_gradients_of_a_row_under_vmap_equal_those_of_a_loop(device, case, is_complex):
    """vmap of the gradient, and of the gradient of a number that is made of it: also where the batch is not mapped."""
    _, precision = prepared(case, is_complex, device)
    draws = batches(case, is_complex, precision)
    arrays, op = [arrays_of(draw) for draw in draws], find(case)
    floating = [i for i, x in enumerate(arrays[0]) if x.dtype.differentiable] if arrays[0] else []
    results = outputs(case.run(op, draws[0]))
    if not case.order or not floating or not any(x.dtype.differentiable for x in results):
        pytest.skip(f"{case} has no gradients")
    random = np.random.default_rng(2)
    weights = [agrad.asarray(random.uniform(0.5, 1.5, x.shape), dtype=precise(precision)) for x in results]

    def number(*xs):
        return real_sum(outputs(case.run(op, refill_tensors(draws[0], xs))), weights)

    def slope(*xs):
        return agrad.grad(number, floating)(*xs)

    def curvature(*xs):
        return agrad.grad(lambda *xs: real_sum(agrad.grad(number, floating)(*xs), [1.5] * len(floating)), floating)(*xs)

    tolerance = max(case.tolerance, 1e-8) if precision == "double" else 2e-3
    for axes in list(choices(len(arrays[0])))[: len(arrays[0]) + 1]:
        if refuses(case, axes):
            continue
        compared(slope, arrays, axes, tolerance, ("slope", axes))
        compared(curvature, arrays, axes, 10 * tolerance, ("curvature", axes))


def precise(precision):
    return {"single": "float32", "double": "float64"}[precision]


def refill_tensors(args, xs):
    """Put other Tensors in the places of those among the arguments."""
    xs = iter(xs)

    def fill(arg):
        if isinstance(arg, list):
            return [fill(x) for x in arg]
        return next(xs) if isinstance(arg, agrad.Tensor) else arg

    return [fill(arg) for arg in args]
