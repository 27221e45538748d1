"""What is MLX's own: single precision, arrays that are computed late, and what it lacks."""

import math

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.testing import assert_close

mx = pytest.importorskip("mlx.core")


@pytest.fixture(autouse=True)
def device():
    with agrad.Device("mlx") as device:
        yield device


def test_its_arrays_stay_where_they_are():
    array = mx.array([1.0, 2.0])
    x = agrad.asarray(array, requires_grad=True)
    assert x.device.name == "mlx"
    (x * x).sum().backward()
    assert isinstance(x.grad.data, mx.array)
    assert x.grad.tolist() == [2.0, 4.0]


def test_double_precision_is_an_error():
    with pytest.raises(TypeError, match=r"MLX has no float64; write x.astype\('float32'\)"):
        agrad.asarray(np.ones(2))
    with pytest.raises(TypeError, match="has no dtype float64"):
        agrad.ones(2, dtype="float64")
    assert agrad.asarray(np.ones(2), dtype="float32").tolist() == [1.0, 1.0]
    assert agrad.tensor([1.0, 2j]).dtype is agrad.complex64


def test_writing_leaves_the_old_array_as_it_was():
    x = agrad.asarray([1.0, 2.0, 3.0])
    before, shared = x.data, x.detach()
    with agrad.no_grad():
        x[0] = 7.0
        x *= 2.0
        x.fill_(5.0)
        x[agrad.asarray([0, 0, 2])] = agrad.asarray([1.0, 2.0, 3.0])
    assert x.tolist() == [2.0, 5.0, 3.0]
    assert before.tolist() == shared.tolist() == [1.0, 2.0, 3.0]


def test_an_accumulated_gradient_does_not_share_an_array():
    x = agrad.ones(2, requires_grad=True)
    y = x + x + x
    seed = agrad.asarray([1.0, 2.0])
    y.backward(seed)
    assert seed.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [3.0, 6.0]


def test_a_long_training_does_not_pile_up():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    x = agrad.rand(8, 2)
    sizes = []
    for step in range(60):
        optimizer.zero_grad()
        agrad.mean(model(x) ** 2).backward()
        optimizer.step()
        if step in (29, 59):
            mx.synchronize()
            sizes.append(mx.get_active_memory())
    assert sizes[1] <= sizes[0] + 4096


def test_missing_functions_are_clear_errors():
    with pytest.raises(NotImplementedError, match=r"no attribute 'nextafter'; compute it on a device .*x.to\('cpu'\)"):
        agrad.nextafter(agrad.ones(1), agrad.ones(1))
    with pytest.raises(NotImplementedError, match="MLX has no inv of complex numbers"):
        agrad.linalg.inv(agrad.eye(2, dtype="complex64"))
    with pytest.raises(NotImplementedError, match="MLX has no cholesky of empty arrays"):
        agrad.linalg.cholesky(agrad.zeros((0, 0)))


def test_an_index_out_of_range_is_an_error():
    for take in (lambda x, i: agrad.take(x, i), lambda x, i: x[i], lambda x, i: agrad.take_along_axis(x, i)):
        for wrong in (3, -4):
            with pytest.raises(IndexError):
                take(agrad.ones(3), agrad.asarray([wrong]))


def test_numbers_at_the_limits():
    assert math.isnan(agrad.sign(agrad.asarray(math.nan)).item())
    assert agrad.signbit(agrad.asarray([-0.0, 0.0])).tolist() == [True, False]
    assert agrad.hypot(agrad.asarray([3e30, math.inf]), agrad.asarray([4e30, math.nan])).tolist()[1] == math.inf
    assert_close(agrad.hypot(agrad.asarray(3e30), agrad.asarray(4e30)), 5e30, rtol=1e-6)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 2))]
)
def test_products_of_integers(shapes):
    left, right = (np.arange(math.prod(shape)).reshape(shape) - 2 for shape in shapes)
    assert (agrad.asarray(left) @ agrad.asarray(right)).tolist() == (left @ right).tolist()


def test_descending_order_is_stable():
    x = agrad.asarray([2.0, 1.0, 2.0, 3.0])
    assert agrad.argsort(x, descending=True).tolist() == [3, 0, 2, 1]
    assert agrad.argsort(x).dtype is agrad.int64


def test_eigenvectors_of_a_complex_matrix():
    matrix = agrad.asarray(np.array([[1, 2j, 0], [1, 1 + 1j, 3], [0.5, 0, 2]], dtype=np.complex64))
    values, vectors = agrad.linalg.eig(matrix)
    assert_close(matrix @ vectors, vectors * values, rtol=1e-4, atol=1e-4)
