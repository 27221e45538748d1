"""Binary ops over random shapes: values, shapes and gradients of what broadcasts, and errors for what does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, broadcastable_shapes, mutually_broadcastable_shapes

import agrad
from agrad.testing import assert_close

pytestmark = pytest.mark.property

# Each op with NumPy's, and the derivatives of its result with respect to each input.
OPS = {
    "add": (np.add, lambda a, b: (1 + 0 * a * b, 1 + 0 * a * b)),
    "subtract": (np.subtract, lambda a, b: (1 + 0 * a * b, -1 + 0 * a * b)),
    "multiply": (np.multiply, lambda a, b: (b + 0 * a, a + 0 * b)),
    "divide": (np.divide, lambda a, b: (1 / b + 0 * a, -a / b**2)),
    "hypot": (np.hypot, lambda a, b: (a / np.hypot(a, b), b / np.hypot(a, b))),
    "maximum": (np.maximum, lambda a, b: ((1.0 + np.sign(a - b)) / 2, (1.0 + np.sign(b - a)) / 2)),
}
shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=4)
elements = st.floats(0.5, 2.0, width=32)


def summed_to(x, shape):
    """Undo broadcasting, the slow and plain way."""
    while x.ndim > len(shape):
        x = x.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            x = x.sum(axis=axis, keepdims=True)
    return x


@pytest.mark.parametrize("name", OPS)
@settings(max_examples=50)
@given(data=st.data())
def test_values_and_gradients_broadcast(device, name, data):
    reference, slopes = OPS[name]
    shape_a, shape_b = data.draw(shapes).input_shapes
    a, b = (data.draw(arrays(np.float32, shape, elements=elements)) for shape in (shape_a, shape_b))
    weights = np.cos(np.arange(reference(a, b).size, dtype=np.float32)).reshape(reference(a, b).shape)
    x, y = agrad.tensor(a, requires_grad=True), agrad.tensor(b, requires_grad=True)
    result = getattr(agrad, name)(x, y)
    assert_close(result.detach(), reference(a, b), rtol=1e-5, atol=1e-6)
    result.backward(agrad.asarray(weights))
    for leaf, slope in zip((x, y), slopes(a.astype(float), b.astype(float)), strict=True):
        assert leaf.grad.dtype is agrad.float32
        assert_close(leaf.grad, summed_to(weights * slope, leaf.shape).astype(np.float32), rtol=1e-4, atol=1e-4)


@settings(max_examples=50)
@given(data=st.data())
def test_broadcast_to_sums_back(device, data):
    shape = data.draw(st.lists(st.integers(0, 4), max_size=3).map(tuple))
    target = data.draw(broadcastable_shapes(shape, max_dims=4, max_side=4))
    target = np.broadcast_shapes(shape, target)
    x = agrad.ones(shape, requires_grad=True)
    y = agrad.broadcast_to(x, target)
    assert y.shape == target
    y.sum().backward()
    assert x.grad.shape == shape
    assert_close(x.grad, summed_to(np.ones(target, dtype=np.float32), shape))


@settings(max_examples=50)
@given(data=st.data())
def test_reductions_spread_back(device, data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=4).map(tuple))
    choices = st.sampled_from(range(-len(shape), len(shape))) if shape else st.nothing()
    axes = data.draw(st.lists(choices, unique_by=lambda i: i % len(shape)))
    axis, keepdims = tuple(axes), data.draw(st.booleans())
    a = data.draw(arrays(np.float32, shape, elements=elements))
    x = agrad.tensor(a, requires_grad=True)
    for op, reference, scale in ((agrad.sum, np.sum, lambda n: 1.0), (agrad.mean, np.mean, lambda n: 1.0 / n)):
        y = op(x, axis=axis, keepdims=keepdims)
        expected = reference(a, axis=axis, keepdims=keepdims)
        assert_close(y.detach(), expected, rtol=1e-5)
        (g,) = agrad.gradients(y.sum(), x)
        assert_close(g, np.full(shape, scale(a.size // max(1, np.size(expected))), dtype=np.float32), rtol=1e-5)


@given(data=st.data())
def test_shapes_that_do_not_broadcast_are_both_in_the_message(device, data):
    rank = data.draw(st.integers(1, 3))
    a = data.draw(st.tuples(*[st.integers(2, 4)] * rank))
    b = tuple(n + 1 if i == rank - 1 else n for i, n in enumerate(a))
    with pytest.raises(ValueError, match="add") as error:
        agrad.ones(a) + agrad.ones(b)
    assert str(a) in str(error.value)
    assert str(b) in str(error.value)
