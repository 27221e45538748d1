"""What is dpnp's own: broadcast arrays that its products take, and functions of scipy.special."""

import math

import pytest

import agrad

dpnp = pytest.importorskip("dpnp")


@pytest.fixture(autouse=True)
def device():
    try:
        device = agrad.Device("dpnp")
    except RuntimeError as error:
        pytest.skip(str(error))
    with device:
        yield device


def test_its_arrays_stay_where_they_are():
    x = agrad.asarray(dpnp.asarray([1.0, 2.0]), requires_grad=True)
    (x * x).sum().backward()
    assert isinstance(x.grad.data, dpnp.ndarray)
    assert x.grad.tolist() == [2.0, 4.0]


def test_products_with_broadcast_arrays():
    w = agrad.ones((3, 2), requires_grad=True)
    agrad.sum(agrad.ones((4, 3)) @ w).backward()  # whose cotangent is one number, broadcast
    assert w.grad.tolist() == [[4.0, 4.0]] * 3


def test_rows_of_an_embedding_are_added_up():
    table = agrad.ones((3, 2), requires_grad=True)
    agrad.sum(agrad.nn.functional.embedding(agrad.asarray([0, 2, 2]), table)).backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


def test_a_special_function():
    assert math.isclose(agrad.special.erfinv(agrad.asarray(0.5)).item(), 0.4769362, rel_tol=1e-5)
