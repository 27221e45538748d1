"""Unit vectors, one for each example: scaled and multiplied by a matrix without the matrix that they are."""

import numpy as np
import pytest

import agrad
from agrad.virtual.batched.backend import over
from agrad.virtual.batched.level import Batch

BATCH = 3


@pytest.fixture
def level(device):
    library = over(device.backend, device.xp)
    return Batch(library, device.backend, device.xp, device.native, BATCH, "error")


def array(level, values):
    values = level.backend.asarray(np.asarray(values, "float64"), None, level.native)
    return level.enter(values, None)


def numbers(level, x):
    return level.backend.to_numpy(level.backend.box(x.value))


def test_their_value_is_the_identity(level):
    units = level.unit_vectors(level.xp.float64)
    assert (units.shape, units.ndim, units.lead, units.dtype) == ((BATCH,), 1, 1, level.xp.float64)
    np.testing.assert_array_equal(numbers(level, units), np.eye(BATCH))
    assert units.diagonal is None  # what is written into the value is not lost


def test_scaled_they_stay_unit_vectors(level):
    scaled = -level.unit_vectors(level.xp.float64) * array(level, [1.0, 2.0, np.inf]) / array(level, [1.0, 0.1, 1.0])
    assert (scaled * 2.0).diagonal is not None
    np.testing.assert_array_equal(numbers(level, scaled * 2.0), 2 * np.diag([-1.0, -20.0, -np.inf]))  # 0 * inf is NaN


@pytest.mark.parametrize("x", [2.0, [2.0], [[1.0], [2.0]], np.eye(BATCH)], ids=str)
def test_scaled_by_anything_else_they_are_an_array(level, x):
    x = array(level, x)
    found = level.unit_vectors(level.xp.float64) * x
    assert found.diagonal is None
    identity = level.enter(level.xp.eye(BATCH, dtype=level.xp.float64, device=level.native), 0)
    np.testing.assert_array_equal(numbers(level, found), numbers(level, identity * x))


def test_their_product_with_a_matrix_is_the_matrix(level):
    weights = np.arange(6.0).reshape(BATCH, 2)
    scaled = level.unit_vectors(level.xp.float64) * array(level, [1.0, 2.0, 3.0])
    found = scaled @ array(level, weights)
    assert scaled.diagonal is not None  # no matrix was made of it
    np.testing.assert_array_equal(numbers(level, found), weights * np.asarray([[1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(numbers(level, array(level, weights.T) @ scaled), numbers(level, found))


def test_a_matrix_of_another_length_does_not_fit(level):
    with pytest.raises(Exception, match=r"(?i)match|mismatch|shape|size|dimension"):
        level.unit_vectors(level.xp.float64) @ array(level, [[1.0, 2.0]])


@pytest.mark.parametrize("f", [
    lambda w, x: agrad.tanh(w @ agrad.sin(w @ x)),
    lambda w, x: x @ w + w @ x,
    lambda w, x: agrad.exp(x) * agrad.sum(x),
    lambda w, x: agrad.concat([x, agrad.linalg.solve(w, x)]),
    lambda w, x: agrad.nn.functional.relu(x),
])  # fmt: skip
@pytest.mark.parametrize("transform", [agrad.jacobian, lambda f, **kw: agrad.vmap(agrad.jacobian(f, **kw))])
def test_jacobians_are_those_of_chunks(device, f, transform):
    random = np.random.default_rng(0)
    w = agrad.asarray(random.uniform(size=(5, 5)) + 5 * np.eye(5), device=device)
    x = agrad.asarray(random.uniform(size=(5,)) if transform is agrad.jacobian else random.uniform(size=(2, 5)))
    x = x.to(device)
    found, expected = (transform(lambda x: f(w, x), chunk_size=n)(x) for n in (None, 2))
    agrad.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
