"""Creation functions: values, dtypes, devices, and what they refuse."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close, check_grads

CREATORS = {
    "arange": lambda **kw: agrad.arange(0.0, 2.0, 0.5, **kw),
    "asarray": lambda **kw: agrad.asarray([1.0, 2.0], **kw),
    "empty": lambda **kw: agrad.empty(2, **kw),
    "empty_like": lambda **kw: agrad.empty_like([1.0, 2.0], **kw),
    "eye": lambda **kw: agrad.eye(2, **kw),
    "full": lambda **kw: agrad.full(2, 1.5, **kw),
    "full_like": lambda **kw: agrad.full_like([1.0, 2.0], 1.5, **kw),
    "linspace": lambda **kw: agrad.linspace(0, 1, 3, **kw),
    "ones": lambda **kw: agrad.ones((2, 1), **kw),
    "ones_like": lambda **kw: agrad.ones_like([1.0, 2.0], **kw),
    "tensor": lambda **kw: agrad.tensor([1.0, 2.0], **kw),
    "zeros": lambda **kw: agrad.zeros((2, 1), **kw),
    "zeros_like": lambda **kw: agrad.zeros_like([1.0, 2.0], **kw),
}


@pytest.mark.parametrize("make", CREATORS.values(), ids=CREATORS)
def test_creators_take_dtype_device_and_requires_grad(device, make):
    plain = make()
    assert (plain.device, plain.dtype, plain.requires_grad) == (device, agrad.float32, False)
    made = make(dtype=agrad.float64, device="cpu", requires_grad=True)
    assert (made.device.name, made.dtype, made.requires_grad, made.is_leaf) == ("cpu", agrad.float64, True, True)
    with pytest.raises(TypeError, match="require gradients"):
        make(dtype=agrad.int32, requires_grad=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: agrad.arange(5), np.arange(5)),
        (lambda: agrad.arange(1, 5), np.arange(1, 5)),
        (lambda: agrad.arange(5, 1, -2), np.arange(5, 1, -2)),
        (lambda: agrad.arange(3, dtype=agrad.float64), np.arange(3.0)),
        (lambda: agrad.arange(0.0, 1.0, 0.25), np.arange(0, 1, 0.25, dtype=np.float32)),
        (lambda: agrad.arange(agrad.asarray(3)), np.arange(3)),
        (lambda: agrad.linspace(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, endpoint=False, dtype=np.float32)),
        (lambda: agrad.linspace(1j, 2, 3), np.linspace(1j, 2, 3, dtype=np.complex64)),
        (lambda: agrad.eye(2, 3, k=-1), np.eye(2, 3, k=-1, dtype=np.float32)),
        (lambda: agrad.full((2, 2), 7), np.full((2, 2), 7)),
        (lambda: agrad.full(2, True), np.full(2, True)),
        (lambda: agrad.full(2, 1j), np.full(2, 1j, dtype=np.complex64)),
        (lambda: agrad.full((), np.float64(2.5)), np.asarray(2.5, dtype=np.float32)),
        (lambda: agrad.ones(3, dtype="int8"), np.ones(3, dtype=np.int8)),
        (lambda: agrad.ones_like(agrad.zeros(2, dtype=agrad.int16)), np.ones(2, dtype=np.int16)),
        (lambda: agrad.full_like(agrad.zeros(2, dtype=agrad.int16), 3), np.full(2, 3, dtype=np.int16)),
        (lambda: agrad.asarray([[True], [False]]), np.asarray([[True], [False]])),
        (lambda: agrad.asarray([1, 2.5]), np.asarray([1, 2.5], dtype=np.float32)),
        (lambda: agrad.asarray(1 + 2j), np.asarray(1 + 2j, dtype=np.complex64)),
        (lambda: agrad.asarray(np.ones(2)), np.ones(2)),
    ],
)
def test_values_and_dtypes(device, found, expected):
    assert_close(found(), agrad.asarray(expected))


def test_the_default_dtype_is_used(device):
    agrad.set_default_dtype(agrad.float64)
    try:
        made = [agrad.zeros(1), agrad.asarray(1.5), agrad.arange(1.0), agrad.linspace(0, 1, 2), agrad.full(1, 0.5)]
        assert {x.dtype for x in made} == {agrad.float64}
        assert agrad.full(1, 1j).dtype is agrad.complex128
    finally:
        agrad.set_default_dtype(agrad.float32)


def test_asarray_returns_tensors_as_they_are(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    assert agrad.asarray(x) is x
    assert agrad.asarray(x, dtype=agrad.float32, device=device, copy=False) is x
    assert agrad.asarray(x, copy=True) is not x
    with pytest.raises(ValueError, match=r"float32.*float64"):
        agrad.asarray(x, dtype=agrad.float64, copy=False)
    with pytest.raises(ValueError, match=r"list.*copy"):
        agrad.asarray([1.0, 2.0], copy=False)


def test_asarray_of_a_tensor_stays_on_the_tape(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    (agrad.asarray(x, dtype=agrad.float64, copy=True) * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_asarray_marks_a_leaf_without_touching_its_source(device):
    x = agrad.asarray([1.0, 2.0])
    y = agrad.asarray(x, requires_grad=True)
    assert (x.requires_grad, y.requires_grad) == (False, True)


def test_asarray_shares_numpys_memory_and_tensor_does_not():
    array = np.zeros(2)
    shared, copied = agrad.asarray(array, device="cpu"), agrad.tensor(array, device="cpu")
    array[0] = 1.0
    assert (shared[0].item(), copied[0].item()) == (1.0, 0.0)


def test_tensors_in_a_list_are_stacked_differentiably(device):
    x, y = agrad.asarray([1.0, 2.0], requires_grad=True), agrad.asarray(3.0, requires_grad=True)
    result = agrad.asarray([[x[0], y], [x[1], 5.0], (y, 1)])
    assert (result.dtype, result.device) == (agrad.float32, device)
    assert result.tolist() == [[1.0, 3.0], [2.0, 5.0], [3.0, 1.0]]
    (result * agrad.asarray([[1.0, 10.0], [100.0, 1.0], [1000.0, 1.0]])).sum().backward()
    assert x.grad.tolist() == [1.0, 100.0]
    assert y.grad.item() == 1010.0
    check_grads(lambda a, b: agrad.asarray([[a, b], [b * a, 2.0]]), [agrad.asarray(0.5), agrad.asarray(1.5)])


def test_stacked_tensors_take_dtype_and_device(device):
    x = agrad.asarray([1.0, 2.0], requires_grad=True)
    assert agrad.asarray([x, x], dtype=agrad.float64).dtype is agrad.float64
    moved = agrad.asarray([x, [3.0, 4.0], np.asarray([5.0, 6.0])], device="cpu")
    assert moved.device.name == "cpu"
    assert moved.dtype is agrad.float64, "that of the array in the list"
    assert agrad.asarray([x[0], np.float64(2.0)]).dtype is agrad.float32, "NumPy's numbers count as Python's"
    moved.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert agrad.asarray((x.detach(), x.detach()), requires_grad=True).is_leaf
    with pytest.raises(ValueError, match="shape"):
        agrad.asarray([x, x[0]])
    with pytest.raises(ValueError, match="copy"):
        agrad.asarray([x, x], copy=False)


def test_stacking_across_devices_is_refused():
    with pytest.raises(ValueError, match=r"cpu.*strict"):
        agrad.asarray([agrad.ones(2, device="cpu"), agrad.ones(2, device="strict")])


def test_dlpack_goes_both_ways(device):
    x = agrad.asarray([1.0, 2.0])
    assert_close(agrad.from_dlpack(x), x)
    assert agrad.from_dlpack(x).device is device
    assert_close(agrad.from_dlpack(np.asarray([1.0, 2.0]), device="cpu"), np.asarray([1.0, 2.0]))
    assert agrad.from_dlpack(x, requires_grad=True).requires_grad
    assert not x.requires_grad


def test_dlpack_shares_memory_where_it_can(device):
    if device.kind in ("cuda", "jax", "mlx", "dpnp"):
        pytest.skip("NumPy's memory is not this device's, or cannot be changed")
    array = np.asarray([1.0, 2.0])
    shared, kept = agrad.from_dlpack(array, device=device, copy=False), agrad.from_dlpack(array, device=device)
    copied = agrad.from_dlpack(array, device=device, copy=True)
    array[0] = 7.0
    assert (shared.device, shared.dtype) == (device, agrad.float64)
    assert [x[0].item() for x in (shared, kept, copied)] == [7.0, 7.0, 1.0]
    own = agrad.from_dlpack(shared)
    array[1] = 8.0
    assert own.tolist() == [7.0, 8.0]


def test_dlpack_between_libraries(device):
    if device.kind in ("cuda", "jax", "mlx", "dpnp"):
        pytest.skip("NumPy's memory is not this device's, or cannot be changed")
    x = agrad.asarray([1.0, 2.0])
    there = agrad.from_dlpack(x, device="cpu", copy=False)
    with agrad.no_grad():
        x[0] = 7.0
    assert there.device.name == "cpu"
    assert there.tolist() == [7.0, 2.0]
    assert np.from_dlpack(x).tolist() == [7.0, 2.0]
    moved = agrad.from_dlpack(x, device="strict:device1")
    assert moved.device.name == "strict:device1"
    assert agrad.from_dlpack(moved).device is moved.device
    assert_close(moved.to(device), x)


def test_a_copy_is_made_only_where_it_may(device):
    x = agrad.ones(2)
    elsewhere = "cpu" if device.kind != "cpu" else "strict"
    with pytest.raises(ValueError, match="copy"):
        agrad.asarray(x, device=elsewhere, copy=False)
    if device.kind != "cpu":  # NumPy's arrays can be shared
        with pytest.raises(ValueError, match="copy"):
            agrad.asarray(x.data, device=elsewhere, copy=False)
    with pytest.raises(BufferError, match=r"strict:device1.*without a copy"):
        agrad.from_dlpack(object(), device="strict:device1", copy=False)


@pytest.mark.parametrize("wishes", [{}, {"max_version": (1, 0)}, {"copy": True}, {"stream": None}, {"dl_device": None}])
def test_dlpacks_wishes_are_passed_on(device, wishes):
    x = agrad.asarray([1.0, 2.0])
    assert "dltensor" in repr(x.__dlpack__(**wishes))
    assert x.__dlpack_device__() == x.data.__dlpack_device__()
    here = x.__dlpack__(**wishes | {"dl_device": x.__dlpack_device__()})
    assert "dltensor" in repr(here)


def test_where_a_gradient_would_end_tensors_are_refused(device):
    x = agrad.asarray(2.0, requires_grad=True)
    for make in (
        lambda: agrad.arange(x),
        lambda: agrad.from_dlpack(x),
    ):
        with pytest.raises(RuntimeError, match="detach"):
            make()
    assert agrad.full(2, x.detach()).tolist() == [2.0, 2.0]
    with pytest.raises(TypeError, match="numbers"):
        agrad.full(2, "text")


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_flow_to_the_ends_of_a_linspace(device, dtype, endpoint):
    ends = [agrad.asarray(x, dtype=dtype, requires_grad=True) for x in (1.0, 3.0)]
    x = agrad.linspace(*ends, 4, endpoint=endpoint)
    assert (x.dtype.name, x.requires_grad) == (dtype, True)
    assert_close(x.detach(), agrad.linspace(1.0, 3.0, 4, dtype=dtype, endpoint=endpoint))
    share = agrad.linspace(0.0, 1.0, 4, dtype=dtype, endpoint=endpoint)
    w = agrad.asarray([1.0, 2.0, 3.0, 4.0], dtype=dtype)
    start, stop = agrad.gradients((w * x).sum(), ends)
    assert_close(start, (w * (1 - share)).sum())
    assert_close(stop, (w * share).sum())


def test_one_end_of_a_linspace_may_be_a_number(device):
    z = agrad.asarray(1 + 2j, requires_grad=True)
    assert_close(agrad.linspace(z, 0, 3).detach(), agrad.linspace(1 + 2j, 0, 3))
    x = agrad.asarray([2.0], dtype=agrad.float64, requires_grad=True)
    agrad.linspace(0, x, 3).sum().backward()
    assert x.grad.tolist() == [1.5]
    assert agrad.linspace(0, x, 3, dtype=agrad.float32).dtype is agrad.float32
    assert agrad.linspace(0, x, 0).shape == (0,)
    with agrad.no_grad():
        assert not agrad.linspace(0, x, 3).requires_grad


def test_gradients_flow_to_the_number_that_fills(device):
    x = agrad.asarray(2.0, requires_grad=True)
    for y in (agrad.full((2, 3), x), agrad.full_like(agrad.zeros((2, 3)), x)):
        assert y.tolist() == [[2.0] * 3] * 2
        assert agrad.gradients((y * y).sum(), x)[0].item() == 24.0
    assert not agrad.full(2, x, dtype=agrad.int64).requires_grad
    y = agrad.full(2, x)
    with agrad.no_grad():
        y[0] = 5.0
    assert (y.tolist(), x.item()) == ([5.0, 2.0], 2.0)


def test_meshgrid(device):
    x, y = agrad.asarray([1.0, 2.0, 3.0]), agrad.asarray([4.0, 5.0])
    for indexing in ("xy", "ij"):
        found = agrad.meshgrid(x, y, indexing=indexing)
        for grid, expected in zip(found, np.meshgrid(x.numpy(), y.numpy(), indexing=indexing), strict=True):
            assert_close(grid, agrad.asarray(expected))
    assert agrad.meshgrid() == ()
    assert agrad.meshgrid(x)[0].shape == (3,)
    with pytest.raises(ValueError, match="1-d"):
        agrad.meshgrid(x, agrad.zeros((2, 2)))
    with pytest.raises(ValueError, match="'xy' or 'ij'"):
        agrad.meshgrid(x, indexing="ji")
