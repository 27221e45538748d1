"""What a backend does its library's way is what the generic backend does in pure array API."""

import math
import operator

import numpy as np
import pytest

from agrad.backends.base import Backend
from agrad.backends.sliding_windows import Windows

RNG = np.random.default_rng(7)


def make(place, values, dtype=None):
    values = np.asarray(values)
    if values.dtype == np.float64 and not place.backend.supports_float64:
        values = values.astype(np.float32)
    return place.backend.asarray(values, dtype, place.native, True)


def numbers(place, array):
    """Return what an array holds, having checked that it is one, on that device."""
    assert place.backend.is_array(array)
    assert type(array) is place.array_type
    assert place.backend.device_name_of(array) == place.backend.find_device(place.name.partition(":")[2])[0]
    return place.backend.to_numpy(array)


def both(place, method, array, *args):
    """Return the backend's own result and the generic one, from copies of the same array."""
    copies = [place.backend.asarray(place.backend.to_numpy(array), None, place.native, True) for _ in range(2)]
    own = getattr(place.backend, method)(copies[0], *args)
    generic = getattr(Backend, method)(place.backend, copies[1], *args)
    return numbers(place, own), numbers(place, generic)


def test_broadcast_arrays_are_not_writable(place):
    x = make(place, np.zeros((1, 3)))
    assert place.backend.is_writable(x)
    assert place.backend.is_writable(place.xp.broadcast_to(x, (2, 3))) == (place.backend.kind == "jax")


# Adding and writing at indices

SHAPES = [(1,), (5,), (5, 3), (4, 1), (3, 2, 2), (4, 0), (0,)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_add_at(place, shape, count, kind):
    count = count if shape[0] else 0
    index = make(place, RNG.integers(0, max(1, shape[0]), count).astype(kind))
    array, values = make(place, RNG.normal(size=shape)), make(place, RNG.normal(size=(count, *shape[1:])))
    own, generic = both(place, "add_at", array, index, values)
    np.testing.assert_allclose(own, generic, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int64", "int32", "complex64"])
def test_add_at_keeps_the_type(place, dtype):
    array, values = (make(place, RNG.integers(-9, 9, size).astype(dtype)) for size in ((4, 2), (6, 2)))
    index = make(place, np.asarray([3, 1, 3, 3, 0, 1]))
    own, generic = both(place, "add_at", array, index, values)
    np.testing.assert_array_equal(own, generic)
    assert own.dtype == generic.dtype == place.backend.to_numpy(array).dtype


def test_add_at_keeps_infinities_in_their_rows(place):
    index = make(place, np.asarray([0, 2, 0]))
    values = make(place, np.asarray([[np.inf, 1.0], [np.nan, 2.0], [1.0, 3.0]], dtype=np.float32))
    own, generic = both(place, "add_at", make(place, np.ones((3, 2), dtype=np.float32)), index, values)
    np.testing.assert_array_equal(own, [[np.inf, 5.0], [1.0, 1.0], [np.nan, 3.0]])
    np.testing.assert_array_equal(generic, own)


def test_add_at_of_many_values(place):
    index = RNG.integers(0, 50, 2000)
    values = RNG.integers(0, 9, (2000, 3)).astype(np.float32)
    expected = np.zeros((50, 3), dtype=np.float32)
    for i, row in zip(index, values, strict=True):
        expected[i] += row
    own, generic = both(
        place, "add_at", make(place, np.zeros((50, 3), dtype=np.float32)), make(place, index), make(place, values)
    )
    np.testing.assert_array_equal(own, expected)
    np.testing.assert_array_equal(generic, expected)


def test_add_at_on_numpy_takes_any_layout():
    from agrad.backends.numpy import BACKEND

    for array in (np.zeros((4, 6))[:, ::2], np.zeros((3, 4)).T, np.zeros((8, 3))[::-2]):
        result = BACKEND.add_at(array, np.asarray([1, 1, 3]), np.ones((3, 3)))
        assert result is array
        np.testing.assert_array_equal(result, [[0, 0, 0], [2, 2, 2], [0, 0, 0], [1, 1, 1]])


@pytest.mark.parametrize("shape", [(6,), (6, 2), (6, 2, 1)])
def test_put_keeps_the_last_value(place, shape):
    index = make(place, np.asarray([1, 4, 1, 1, 0]))
    values = make(place, RNG.normal(size=(5, *shape[1:])).astype(np.float32))
    own, generic = both(place, "put", make(place, np.zeros(shape, dtype=np.float32)), index, values)
    np.testing.assert_array_equal(own, generic)
    np.testing.assert_array_equal(own[1], numbers(place, values)[3])
    assert not own[[2, 3, 5]].any()


def test_put_of_an_empty_array(place):
    index, values = make(place, np.zeros(0, dtype=np.int64)), make(place, np.zeros(0, dtype=np.float32))
    own, generic = both(place, "put", make(place, np.ones(3, dtype=np.float32)), index, values)
    np.testing.assert_array_equal(own, np.ones(3))
    np.testing.assert_array_equal(generic, own)


# Writing


@pytest.mark.parametrize("key", [(0, ...), (slice(1, 3), ...), (..., 1), (slice(None), slice(0, 3, 2)), (1, 2), (...,)])
@pytest.mark.parametrize("value", [7.0, 3])
def test_assign(place, key, value):
    own = numbers(place, place.backend.assign(make(place, np.zeros((3, 4), dtype=np.float32)), key, value))
    expected = np.zeros((3, 4))
    expected[key] = value
    np.testing.assert_array_equal(own, expected)
    assert own.dtype == np.float32


def test_assign_takes_arrays_that_broadcast(place):
    value = make(place, np.asarray([1.0, 2.0], dtype=np.float32))
    own = place.backend.assign(make(place, np.zeros((3, 2), dtype=np.float32)), (slice(1, 3), ...), value)
    np.testing.assert_array_equal(numbers(place, own), [[0, 0], [1, 2], [1, 2]])


@pytest.mark.parametrize("shape", [(), (3,), (2, 0)])
def test_fill(place, shape):
    own, _ = both(place, "fill", make(place, np.zeros(shape, dtype=np.float32)), 2.5)
    np.testing.assert_array_equal(own, np.full(shape, 2.5))
    array = make(place, np.asarray(4.0, dtype=np.float32))
    own, _ = both(place, "fill", make(place, np.zeros(shape, dtype=np.float32)), array)
    np.testing.assert_array_equal(own, np.full(shape, 4.0))


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_add_scaled(place, dtype, shape):
    array, other = (make(place, RNG.integers(0, 9, shape).astype(dtype)) for _ in range(2))
    own, generic = both(place, "add_scaled", array, other, -0.5)
    np.testing.assert_array_equal(own, generic)
    assert own.dtype == dtype


@pytest.mark.parametrize("method", ["add_product", "add_quotient"])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_add_of_two(place, method, dtype, shape):
    array, x1 = (make(place, RNG.integers(0, 9, shape).astype(dtype)) for _ in range(2))
    x2 = make(place, 2.0 ** RNG.integers(-2, 2, shape).astype(dtype))
    own, generic = both(place, method, array, x1, x2, -0.5)
    np.testing.assert_array_equal(own, generic)
    assert own.dtype == dtype


@pytest.mark.parametrize("change", [operator.iadd, operator.imul, operator.isub, operator.itruediv])
def test_update(place, change):
    array, other = (make(place, np.asarray(values, dtype=np.float32)) for values in ([6.0, 8.0], [2.0, 4.0]))
    expected = change(np.asarray([6.0, 8.0], dtype=np.float32), np.asarray([2.0, 4.0], dtype=np.float32))
    np.testing.assert_array_equal(numbers(place, place.backend.update(array, change, other)), expected)


def test_writing_changes_the_array_itself(place):
    if place.kind == "jax":
        pytest.skip("JAX's arrays never change")
    backend, array = place.backend, make(place, np.zeros(3, dtype=np.float32))
    backend.fill(array, 1.0)
    backend.assign(array, (0,), 5.0)
    backend.add_scaled(array, make(place, np.ones(3, dtype=np.float32)), 2.0)
    np.testing.assert_array_equal(numbers(place, array), [7, 3, 3])


# Arrays

DTYPES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64",
    "complex128",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_arrays_go_there_and_back(place, dtype):
    if dtype in ("float64", "complex128") and not place.backend.supports_float64:
        with pytest.raises(TypeError, match=f"no {dtype}"):
            place.backend.asarray(np.ones(2, dtype), None, place.native)
        return
    array = np.asarray([[0, 1], [2, 3]], dtype=dtype)
    back = numbers(place, place.backend.asarray(array, None, place.native))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == dtype or (place.kind == "jax" and not place.backend.supports_float64)
    back[...] = 1  # the copy is the caller's own


@pytest.mark.parametrize(
    "array",
    [
        np.broadcast_to(np.float32(2), (2, 3)),
        np.arange(6, dtype=np.float32)[::-2],
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.arange(3, dtype=">f4"),
        np.asarray(1.5, dtype=np.float32),
        np.zeros((0, 2), dtype=np.float32),
    ],
    ids=["read-only", "backwards", "transposed", "big-endian", "0-d", "empty"],
)
@pytest.mark.parametrize("copy", [None, True])
def test_numpy_arrays_of_all_kinds_are_taken(place, array, copy):
    made = place.backend.asarray(array, None, place.native, copy)
    np.testing.assert_array_equal(numbers(place, made), array)


@pytest.mark.parametrize("value", [3, 2.5])
def test_asarray_takes_a_dtype(place, value):
    made = place.backend.asarray(np.asarray(value), place.xp.float32, place.native, True)
    assert made.dtype == place.xp.float32
    assert place.backend.to_numpy(made) == value


def test_a_copy_has_memory_of_its_own(place):
    backend, array = place.backend, make(place, np.zeros(3, dtype=np.float32))
    for copy in (backend.copy(array), backend.asarray(array, None, place.native, True)):
        changed = backend.fill(copy, 1.0)
        np.testing.assert_array_equal(numbers(place, changed), np.ones(3))
        np.testing.assert_array_equal(numbers(place, array), np.zeros(3))


def test_a_numpy_array_is_copied_when_asked(place):
    array = np.zeros(1000, dtype=np.float32)
    made = place.backend.asarray(array, None, place.native, True)
    array[:] = 1
    assert not numbers(place, made).any()


def test_views_are_known(place):
    backend, array = place.backend, make(place, np.zeros((2, 3), dtype=np.float32))
    if place.kind == "jax":
        assert not backend.is_view(array)  # what never changes may be shared
        return
    xp = place.xp
    views = [array[0, :], xp.reshape(array, (3, 2)), xp.permute_dims(array, (1, 0)), xp.broadcast_to(array, (4, 2, 3))]
    for view in views:
        assert backend.is_view(view)
        assert backend.buffer_of(view) == backend.buffer_of(array)
        assert backend.buffer_of(view[..., 0]) == backend.buffer_of(array)
    other = backend.copy(array)
    assert backend.buffer_of(other) != backend.buffer_of(array)
    if place.kind != "strict":  # it does not tell
        assert not backend.is_view(array + array)


@pytest.mark.cuda
def test_the_only_view_of_an_array_owns_it():
    import cupy

    import agrad

    def view(change):
        return change(cupy.arange(6))

    is_view = agrad.Device("cuda").backend.is_view
    assert not is_view(view(lambda x: x.reshape(2, 3)))
    assert not is_view(view(lambda x: x.reshape(2, 3).T))
    assert is_view(view(lambda x: x[1:]))
    assert is_view(view(lambda x: cupy.broadcast_to(x[:1], 6)))
    first = view(lambda x: x.reshape(2, 3))
    second = first.T
    assert is_view(first)
    assert is_view(second)
    del first
    assert not is_view(second)


def test_scalars_become_arrays(place):
    boxed = place.backend.box(place.xp.sum(make(place, np.ones(3, dtype=np.float32))))
    assert numbers(place, boxed).shape == ()


# Mathematics


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erf(place, dtype):
    if dtype == "float64" and not place.backend.supports_float64:
        pytest.skip("no float64")
    points = np.concatenate([np.linspace(-7, 7, 401), [0.0, -0.0, 0.46875, 4.0, 1e-300, 30.0, np.inf, -np.inf]])
    exact = np.asarray([math.erf(x) for x in points.astype(dtype)])
    array = make(place, points.astype(dtype))
    for function in (place.backend.special("erf"), Backend.special(place.backend, "erf")):
        found = numbers(place, function(array))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, exact, rtol=5e-16 if dtype == "float64" else 5e-7, atol=0)
    assert np.isnan(numbers(place, place.backend.special("erf")(make(place, np.asarray([np.nan], dtype=dtype))))).all()


# Windows


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    "windows",
    [
        Windows((3,), (1,), ((0, 0),), (1,)),
        Windows((2, 3), (1, 1), ((0, 0), (0, 0)), (1, 1)),
        Windows((2, 3), (2, 1), ((1, 0), (0, 2)), (1, 2)),
        Windows((1, 2, 2), (1, 1, 2), ((0, 0), (1, 1), (0, 1)), (1, 2, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [0, 1, 5])
def test_convolution(place, windows, groups, batch):
    lengths = (7, 6, 5)[: len(windows.kernel)]
    x, weight, g = (
        make(place, RNG.normal(size=shape).astype(np.float32))
        for shape in (
            (batch, 4, *lengths),
            (6, 4 // groups, *windows.kernel),
            (batch, 6, *windows.counts(lengths)),
        )
    )
    for own, generic in (
        both(place, "convolve", x, weight, windows, groups),
        both(place, "convolve_by_channel", x, weight, windows, groups),
        both(place, "convolve_input", g, weight, lengths, windows, groups),
        both(place, "convolve_weight", g, x, windows, groups),
    ):
        np.testing.assert_allclose(own, generic, rtol=1e-4, atol=1e-4)
        assert own.dtype == generic.dtype


def test_convolution_in_parts(monkeypatch):
    from agrad.backends import strided
    from agrad.backends.numpy import BACKEND

    monkeypatch.setattr(strided, "_FEWEST", 1)
    windows = Windows((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
    x, weight = RNG.normal(size=(7, 2, 5, 5)), RNG.normal(size=(3, 2, 3, 3))
    whole = BACKEND.convolve(x, weight, windows, 1)
    for size in (1, 3 * 18 * 25 * 8):  # one sample at a time, and three
        monkeypatch.setattr(type(BACKEND), "gathered", size)
        np.testing.assert_allclose(BACKEND.convolve(x, weight, windows, 1), whole, rtol=1e-12)
        g = BACKEND.convolve_input(whole, weight, (5, 5), windows, 1)
        np.testing.assert_allclose(g, Backend.convolve_input(BACKEND, whole, weight, (5, 5), windows, 1), rtol=1e-10)
        w = BACKEND.convolve_weight(whole, x, windows, 1)
        np.testing.assert_allclose(w, Backend.convolve_weight(BACKEND, whole, x, windows, 1), rtol=1e-10)


# Losses

CLASS_LOSSES = [  # samples, classes, class weights, ignored index, label smoothing
    (1, 1, False, None, 0.0),
    (5, 3, False, None, 0.0),
    (5, 3, True, 1, 0.25),
    (4, 10, False, -100, 0.0),
    (3, 300, True, None, 0.5),
    (40, 2, False, 0, 0.1),
    (0, 4, False, -100, 0.0),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("samples", "classes", "weighted", "ignored", "smoothing"), CLASS_LOSSES)
def test_softmax_nll(place, samples, classes, weighted, ignored, smoothing, reduction, dtype):
    if dtype == "float64" and not place.backend.supports_float64:
        pytest.skip("it has no float64")
    logits = make(place, RNG.normal(size=(samples, classes)).astype(dtype))
    target = make(place, RNG.integers(0, classes, samples), place.backend.default_integer(place.native))
    weight = make(place, RNG.uniform(0.5, 2, classes).astype(dtype)) if weighted else None
    settings = reduction, weight, ignored, smoothing
    g = make(place, RNG.normal(size=samples if reduction == "none" else ()).astype(dtype))
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-13, "atol": 1e-14}
    found = []
    for of in (type(place.backend), Backend):
        with place.backend.without_warnings():  # the mean of no losses
            out, saved = of.softmax_nll(place.backend, logits, target, *settings)
            slopes = of.softmax_nll_input(place.backend, g, logits, target, *settings, saved)
        found.append((place.backend.to_numpy(out), place.backend.to_numpy(slopes)))
    (own, own_slopes), (generic, generic_slopes) = found
    assert own.dtype == own_slopes.dtype == dtype
    np.testing.assert_allclose(own, generic, **tolerance)
    np.testing.assert_allclose(own_slopes, generic_slopes, **tolerance)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_softmax_nll_of_invalid_classes(place, reduction):
    logits = make(place, np.asarray([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [np.nan, 0.0]], dtype=np.float32))
    target = make(place, np.asarray([1, 2, -1, 7]), place.backend.default_integer(place.native))
    settings = reduction, None, 7, 0.0
    out, saved = place.backend.softmax_nll(logits, target, *settings)
    log = np.log1p(np.exp(-1))
    expected = [log, np.nan, np.nan, 0.0] if reduction == "none" else np.nan
    np.testing.assert_allclose(place.backend.to_numpy(out), np.asarray(expected, dtype=np.float32), rtol=1e-6)
    g = make(place, np.ones(4 if reduction == "none" else (), dtype=np.float32))
    slopes = place.backend.to_numpy(place.backend.softmax_nll_input(g, logits, target, *settings, saved))
    assert np.all(slopes[1:] == 0)
    assert slopes[0, 0] > 0


def test_softmax_nll_of_many_samples(place):
    logits, target = RNG.normal(size=(20000, 2)).astype(np.float32), RNG.integers(0, 2, 20000)
    losses = np.log(np.sum(np.exp(logits), axis=1)) - logits[np.arange(20000), target]
    index = make(place, target, place.backend.default_integer(place.native))
    for _ in range(2):
        out, _ = place.backend.softmax_nll(make(place, logits), index, "mean", None, -100, 0.0)
        np.testing.assert_allclose(place.backend.to_numpy(out), losses.mean(), rtol=1e-5)


# Layers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5, 3), (-1,)),
        ((2, 3, 4), (-2, -1)),
        ((5, 3), (0,)),
        ((3, 2, 5, 4), (0, 2, 3)),
        ((2, 3, 4), (1,)),
        ((2, 1500), (1,)),
        ((4,), (0,)),
        ((2, 3, 2, 2), (1, 3)),  # of no kernel
        ((2, 0), (0,)),
    ],
)
def test_standardize(place, shape, axis, dtype):
    if dtype == "float64" and not place.backend.supports_float64:
        pytest.skip("it has no float64")
    x, g = (make(place, RNG.normal(size=shape).astype(dtype)) for _ in range(2))
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
    found = []
    for of in (type(place.backend), Backend):
        out, deviation = of.standardize(place.backend, x, axis, 0.1)
        slopes = of.standardize_input(place.backend, g, out, deviation, axis)
        moments = of.moments(place.backend, x, axis) if 0 not in shape else ()
        found.append([numbers(place, place.backend.box(array)) for array in (out, deviation, slopes, *moments)])
    for own, generic in zip(*found, strict=True):
        assert own.dtype == dtype
        assert own.shape == generic.shape
        np.testing.assert_allclose(own, generic, **tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logarithm", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((5, 3), -1), ((2, 3, 40), 2), ((2, 600), (1,)), ((7,), 0), ((4, 1), -1), ((3, 4), 0), ((2, 3), (0, 1))],
)
def test_softmax(place, shape, axis, logarithm, dtype):
    if dtype == "float64" and not place.backend.supports_float64:
        pytest.skip("it has no float64")
    x, g = (make(place, RNG.normal(size=shape).astype(dtype)) for _ in range(2))
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-12}
    own, generic = both(place, "softmax", x, axis, logarithm)
    np.testing.assert_allclose(own, generic, **tolerance)
    assert own.dtype == dtype
    out = place.backend.softmax(x, axis, logarithm)
    own, generic = both(place, "softmax_input", g, out, axis, logarithm)
    np.testing.assert_allclose(own, generic, **tolerance)
    assert own.dtype == dtype


@pytest.mark.parametrize("logarithm", [False, True])
def test_softmax_of_nan_and_infinity(place, logarithm):
    rows = [[np.nan, 0.0], [-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 0.0]]
    with place.backend.without_warnings():
        own, generic = both(place, "softmax", make(place, np.asarray(rows, dtype=np.float32)), -1, logarithm)
    np.testing.assert_allclose(own, generic, rtol=1e-6)
    assert np.isnan(own[:3]).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_interpolate(place, dtype):
    if (place.backend.kind == "strict" and dtype == "float16") or not place.backend.supports_float64:
        pytest.skip(f"it has no {dtype}")
    x, y = (make(place, RNG.normal(size=(3, 2)).astype(dtype)) for _ in range(2))
    expected = 0.75 * numbers(place, x) + 0.25 * numbers(place, y)
    own, generic = both(place, "interpolate", x, y, 0.25)
    tolerance = 1e-2 if dtype == "float16" else 1e-6
    np.testing.assert_allclose(own, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(generic, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_where_nonzero(place, dtype):
    if (place.backend.kind == "strict" and dtype == "float16") or not place.backend.supports_float64:
        pytest.skip(f"it has no {dtype}")
    x = make(place, RNG.normal(size=(3, 4)).astype(dtype))
    condition = make(place, np.asarray([[0.0, -0.0, np.nan, 2.0]], dtype="float32"))
    own, generic = both(place, "where_nonzero", x, condition)
    np.testing.assert_array_equal(own, generic)
    assert own.dtype == generic.dtype == dtype


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5, 3), 1),
        ((4,), 0),
        ((2, 7, 70), 2),
        ((2, 3, 4, 5), 1),
        ((3, 4), 0),
        ((2, 3, 1, 1), 1),
        ((0, 3), 1),
        ((0, 3, 2), 1),
        ((2, 0), 1),
        ((1300, 33), 1),  # whose sums are shared out among blocks
        ((17, 2, 300), 1),
    ],
)
def test_bias_relu(place, shape, axis, dtype):
    if (place.backend.kind == "strict" and dtype == "float16") or not place.backend.supports_float64:
        pytest.skip(f"it has no {dtype}")
    x, g = (make(place, RNG.normal(size=shape).astype(dtype)) for _ in range(2))
    bias = make(place, RNG.normal(size=shape[axis]).astype(dtype))
    own, generic = both(place, "bias_relu", x, bias, axis)
    np.testing.assert_array_equal(own, generic)
    out = make(place, own)
    for _ in range(2):  # a launch leaves nothing behind for the next
        slope, total = place.backend.bias_relu_inputs(g, out, axis)
        expected = np.where(own != 0, numbers(place, g), 0)
        np.testing.assert_array_equal(numbers(place, slope), expected)
        sums = np.sum(expected.astype("float64"), axis=tuple(i for i in range(len(shape)) if i != axis))
        tolerance = {"float16": 2e-2, "float32": 1e-4, "float64": 1e-12}[dtype]
        np.testing.assert_allclose(numbers(place, place.backend.box(total)), sums, rtol=tolerance, atol=tolerance)
        assert slope.dtype == total.dtype == x.dtype


def test_bias_relu_of_special_values(place):
    values = np.asarray([[np.nan, np.inf], [-np.inf, -0.0], [-1.0, 1e-45], [0.0, 2.0]], dtype=np.float32)
    x, bias = make(place, values), make(place, np.asarray([-0.0, 0.0], dtype=np.float32))
    with place.backend.without_warnings():
        own, generic = both(place, "bias_relu", x, bias, 1)
    np.testing.assert_array_equal(own[:2], np.asarray([[np.nan, np.inf], [0.0, 0.0]]))
    np.testing.assert_array_equal(own, generic)
    np.testing.assert_array_equal(np.signbit(own), np.signbit(generic))
    slope, _ = place.backend.bias_relu_inputs(make(place, np.ones((4, 2), dtype=np.float32)), make(place, own), 1)
    np.testing.assert_array_equal(numbers(place, slope), own != 0)  # that of NaN is 1


def test_bias_relu_in_any_order_of_memory(place):
    values = RNG.normal(size=(4, 5, 3)).astype(np.float32)
    x = place.xp.permute_dims(make(place, values), (2, 0, 1))
    bias = make(place, RNG.normal(size=4).astype(np.float32))
    out = place.backend.bias_relu(x, bias, 1)
    expected = np.maximum(values.transpose(2, 0, 1) + numbers(place, bias)[:, None], 0)
    np.testing.assert_array_equal(numbers(place, out), expected)
    for g in (x, place.xp.broadcast_to(bias[:1], (3, 4, 5))):
        slope, total = place.backend.bias_relu_inputs(g, out, 1)
        gated = np.where(expected != 0, place.backend.to_numpy(g), 0)
        np.testing.assert_array_equal(numbers(place, slope), gated)
        np.testing.assert_allclose(numbers(place, total), gated.sum(axis=(0, 2)), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("keep", [0.0, 0.25, 1.0])
def test_dropout_mask(place, keep, dtype):
    if place.backend.kind == "strict" and dtype == "float16":
        pytest.skip("it has no float16")
    generator = place.backend.generator(3, place.native)
    draws = [
        numbers(place, place.backend.dropout_mask(generator, keep, (40, 50), getattr(place.xp, dtype), place.native))
        for _ in range(2)
    ]
    assert draws[0].dtype == dtype
    assert set(np.unique(draws[0])) <= {0.0, 1 / keep if keep else 0.0}
    assert abs(np.mean(draws[0] > 0) - keep) < 0.05
    assert keep in (0.0, 1.0) or (draws[0] != draws[1]).any()
