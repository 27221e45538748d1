"""x[key] and x[key] = v: NumPy's answers for random keys, their gradients, and what does not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agrad
from agrad.testing import assert_close, check_grads

lengths = st.integers(0, 4)


@st.composite
def shapes(draw):
    return tuple(draw(st.lists(lengths, max_size=4)))


@st.composite
def slices(draw, n):
    ends = st.none() | st.integers(-n - 2, n + 2)
    return slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, -1, -2])))


@st.composite
def index_arrays(draw, n, shape):
    """Integers below n, of a shape that broadcasts to `shape`; as an array or a list."""
    shape = tuple(draw(st.sampled_from([1, length])) for length in shape)
    size = int(np.prod(shape))
    values = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
    array = np.asarray(values, dtype=draw(st.sampled_from(["int64", "int32", "int8"]))).reshape(shape)
    return draw(st.sampled_from([array, array.tolist()]))


@st.composite
def masks(draw, shape):
    size = int(np.prod(shape))
    values = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    return np.asarray(values, dtype=bool).reshape(shape)


@st.composite
def keys(draw, shape):
    """Keys that NumPy takes for arrays of a shape: what it combines, in all combinations."""
    block = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))  # what the index arrays broadcast to
    items, axis, count = [], 0, draw(st.integers(0, len(shape)))
    while axis < count:
        n = shape[axis]
        kinds = ["slice", "slice", "mask", "None"] + ["int", "array", "array"] * (n > 0)
        kind = draw(st.sampled_from(kinds))
        if kind == "None":
            items.append(None)
            continue
        if kind == "mask" and axis + 1 < count and draw(st.booleans()):
            items.append(draw(masks(shape[axis : axis + 2])))
            axis += 1
        elif kind == "mask":
            items.append(draw(masks((n,))))
        elif kind == "array":
            items.append(draw(index_arrays(n, block)))
        else:
            items.append(draw(slices(n) if kind == "slice" else st.integers(-n, n - 1)))
        axis += 1
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))) if count == len(shape) else len(items), ...)
    return items[0] if len(items) == 1 and draw(st.booleans()) else tuple(items)


@st.composite
def arrays_and_keys(draw):
    shape = draw(shapes())
    key = draw(keys(shape))
    x = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    try:
        x[key]
    except IndexError:  # masks with different counts do not broadcast
        key = ()
    return x, key


def on_device(key):
    """Return a key with Tensors in place of NumPy's arrays."""
    if isinstance(key, tuple):
        return tuple(map(on_device, key))
    return agrad.asarray(key) if isinstance(key, np.ndarray) else key


def weights(shape):
    return 1.0 + np.arange(np.prod(shape), dtype=np.float64).reshape(shape)


def summed_to(x, shape):
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1)
    return x.sum(axis=axes, keepdims=True)


@pytest.mark.property
@settings(max_examples=300)
@given(case=arrays_and_keys(), tensors=st.booleans())
def test_reading_is_numpys(device, case, tensors):
    x, key = case
    found = agrad.asarray(x)[on_device(key) if tensors else key]
    assert_close(found, agrad.asarray(np.array(x[key])))


@pytest.mark.property
@settings(max_examples=200)
@given(case=arrays_and_keys())
def test_the_gradient_of_reading_adds_up_where_it_was_read(device, case):
    x, key = case
    leaf = agrad.tensor(x, requires_grad=True)
    found = leaf[on_device(key)]
    w = weights(found.shape)
    found.backward(agrad.asarray(w))
    expected = np.zeros_like(x)
    np.add.at(expected, key, w)
    assert_close(leaf.grad, agrad.asarray(expected))


@pytest.mark.property
@settings(max_examples=300)
@given(case=arrays_and_keys(), data=st.data(), recorded=st.booleans())
def test_writing_is_numpys(device, case, data, recorded):
    x, key = case
    shape = np.shape(x[key])
    shape = tuple(data.draw(st.sampled_from([1, n])) for n in shape)[data.draw(st.integers(0, len(shape))) :]
    value = 100.0 * weights(shape)
    found = agrad.tensor(x)
    before = found.data
    with agrad.set_grad_enabled(recorded):
        found[on_device(key)] = agrad.asarray(value) if shape else float(value)
    expected = x.copy()
    expected[key] = value
    assert_close(found, agrad.asarray(expected))
    if recorded:
        assert_close(agrad.asarray(before), agrad.asarray(x))
    elif not device.backend.immutable:
        assert found.data is before


@pytest.mark.property
@settings(max_examples=200)
@given(case=arrays_and_keys(), data=st.data())
def test_the_gradients_of_writing(device, case, data):
    x, key = case
    region = np.shape(x[key])
    shape = tuple(data.draw(st.sampled_from([1, n])) for n in region)[data.draw(st.integers(0, len(region))) :]
    old, value = agrad.tensor(x, requires_grad=True), agrad.tensor(weights(shape), requires_grad=True)
    written = old * 1
    written[on_device(key)] = value
    w = weights(x.shape)
    written.backward(agrad.asarray(w))
    source = np.full(x.shape, -1)  # which element of the broadcast value stays at each place
    source[key] = np.arange(np.prod(region), dtype=int).reshape(region)
    assert_close(old.grad, agrad.asarray(np.where(source < 0, w, 0.0)))
    expected = np.zeros(region)
    np.add.at(expected.reshape(-1), source[source >= 0], w[source >= 0])
    assert_close(value.grad, agrad.asarray(summed_to(expected, shape)))


MASK = np.asarray([[True, False, True], [False, False, True]])

# Where the axes of index arrays come to lie: in the place of the first array, or in front if something stands between.
PLACEMENTS = [
    np.s_[[0, 1]],
    np.s_[:, [0, 2, 2]],
    np.s_[:, [[0, 1], [2, 0]]],
    np.s_[:, [0, 1], [1, 0]],
    np.s_[[0, 1], :, [1, 0]],
    np.s_[:, [0, 1], :, [1, 0]],
    np.s_[0, :, [1, 0]],
    np.s_[:, 0, [1, 0]],
    np.s_[[0, 1], 0],
    np.s_[[0, 1], ..., [1, 0]],
    np.s_[[0, 1], None, [1, 0]],
    np.s_[None, [0, 1], [1, 0]],
    np.s_[MASK],
    np.s_[MASK, [0, 1, 1]],
    np.s_[..., [[1], [0]], [0, 1, 1]],
    np.s_[True, [0, 1]],
    np.s_[False],
    np.s_[::-1, [1], ::-2],
    np.s_[np.int64(1), np.asarray(0)],
    np.s_[[]],
]


@pytest.mark.parametrize("key", PLACEMENTS, ids=str)
def test_index_arrays_are_placed_as_numpy_places_them(device, key):
    x = np.arange(48.0).reshape(2, 3, 4, 2)
    assert_close(agrad.asarray(x)[on_device(key)], agrad.asarray(x[key]))
    assert_close(agrad.asarray(x)[key], agrad.asarray(x[key]))


@pytest.mark.parametrize("key", [np.s_[1:, ::-1], np.s_[[1, 0, 1]], np.s_[:, [2, 2], 0], MASK], ids=str)
def test_second_order(device, key):
    x = np.linspace(0.5, 1.5, 12).reshape(2, 3, 2)
    check_grads(lambda x: x[on_device(key)] ** 3, [agrad.asarray(x)])
    check_grads(lambda x, v: written(x**2, on_device(key), v**3), [agrad.asarray(x), agrad.asarray(1.1)])


def written(x, key, value):
    x[key] = value
    return x * x


def test_one_element_as_a_tensor_that_stays_on_its_device(device):
    x = agrad.asarray([10.0, 20.0, 30.0], requires_grad=True)
    i = agrad.asarray(2)
    assert x[i].shape == ()
    (x[i] * x[-1]).backward()
    assert x.grad.tolist() == [0.0, 0.0, 60.0]


def test_slices_take_tensors_for_their_ends(device):
    assert agrad.arange(5)[agrad.asarray(1) : agrad.asarray(3)].tolist() == [1, 2]


def test_iteration_and_unpacking(device):
    (a, b), (c, d) = agrad.asarray([[1, 2], [3, 4]])
    assert [a.item(), b.item(), c.item(), d.item()] == [1, 2, 3, 4]


def test_a_slice_shares_memory_with_its_tensor(device):
    if device.backend.immutable:
        pytest.skip("its arrays never change")
    x = agrad.zeros(4)
    part = x[1:3]
    with agrad.no_grad():
        part[0] = 5.0
    assert x.tolist() == [0.0, 5.0, 0.0, 0.0]


def test_writing_casts_to_the_dtype_of_the_target(device):
    x = agrad.zeros(3, dtype=agrad.float32)
    x[0] = agrad.asarray(2.0, dtype=agrad.float64)
    x[1] = agrad.asarray(3)
    x[2] = np.float32(4.0)
    assert x.dtype is agrad.float32
    assert x.tolist() == [2.0, 3.0, 4.0]
    with pytest.raises(TypeError, match=r"int64.*float"):
        agrad.asarray([1, 2])[0] = 1.5
    with pytest.raises(TypeError, match=r"float32.*complex"):
        x[:] = 1j


def test_an_index_changed_before_backward_does_not_change_the_gradient(device):
    x = agrad.asarray([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    i, j = agrad.asarray([0, 1]), agrad.asarray([1, 1])
    y = x[i, j]
    with agrad.no_grad():
        i[...] = 0
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_an_index_of_rows_changed_before_backward_is_an_error(device):
    if device.backend.immutable:
        pytest.skip("its arrays never change")
    x = agrad.ones((2, 2), requires_grad=True)
    i = agrad.asarray([0, 1])
    y = x[i]
    with agrad.no_grad():
        i[...] = 0
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (2, "2"),
        ((0, -4), r"\(0, -4\)|\[0, -4\]"),
        ((0, 0, 0), r"\(0, 0, 0\)|\[0, 0, 0\]"),
        (np.s_[..., ...], r"\.\.\.|Ellipsis"),
        ([0, 5], r"\[0, 5\]"),
        (([0, 1], [0, 3]), r"\[0, 3\]|int64"),
        (([0, 1], [0, 1, 2]), r"\[0, 1, 2\]|\(3,\)"),
        (np.asarray([True, False, True]), r"bool|\(3,\)"),
        ([0.5], r"float"),
    ],
    ids=str,
)
def test_a_key_that_does_not_fit_is_shown_with_the_shape(device, key, shown):
    unsearched = device.kind == "jax" or device.backend.waits_on_read(device.native)
    if unsearched and repr(key) in ("[0, 5]", "([0, 1], [0, 3])"):
        pytest.skip("an index out of range in an array is not searched for here")
    x = agrad.zeros((2, 3))
    with pytest.raises(IndexError, match=rf"({shown})(.|\n)*\(2, 3\)|\(2, 3\)(.|\n)*({shown})"):
        x[key]
    with pytest.raises(IndexError):
        x[key] = 1.0


def test_a_value_that_does_not_fit_is_shown_with_both_shapes(device):
    x = agrad.zeros((2, 3))
    for recorded in (True, False):
        with agrad.set_grad_enabled(recorded):
            with pytest.raises(ValueError, match=r"\(2,\)(.|\n)*\(3,\)"):
                x[0] = agrad.ones(2)
            with pytest.raises(ValueError, match=r"\(4,\)(.|\n)*\(2, ?3\)"):
                x[[0, 1]] = agrad.ones(4)


def test_keys_and_values_from_other_devices_are_refused():
    x, other = agrad.zeros(3, device="cpu"), agrad.asarray([0, 1], device="strict")
    with pytest.raises(ValueError, match=r"cpu.*strict"):
        x[other]
    with pytest.raises(ValueError, match=r"cpu.*strict"):
        x[0, ..., other[0] > 0]
    for recorded in (True, False):
        with agrad.set_grad_enabled(recorded), pytest.raises(ValueError, match=r"cpu.*strict"):
            x[:2] = other


def test_a_mask_of_length_0_chooses_nothing(device):
    """Whatever the length of the axis: the standard says so."""
    x = agrad.ones((3, 2), requires_grad=True)
    empty = agrad.asarray([], dtype=agrad.bool)
    assert x[empty].shape == (0, 2)
    assert x[agrad.zeros((0, 2), dtype=agrad.bool)].shape == (0,)
    x[empty].sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]] * 3
    y = agrad.ones(3)
    y[empty] = 5.0
    assert y.tolist() == [1.0] * 3


OUT_OF_RANGE = {
    "take": lambda x, i: agrad.take(x, i, axis=0),
    "take along the last axis": lambda x, i: agrad.take(x, i, axis=-1),
    "take_along_axis": lambda x, i: agrad.take_along_axis(x, i[:, None], axis=0),
    "take_along_axis along the last": lambda x, i: agrad.take_along_axis(x, i[None, :], axis=1),
    "an array": lambda x, i: x[i],
    "a list": lambda x, i: x[i.tolist()],
    "an array behind a slice": lambda x, i: x[:, i],
    "two arrays": lambda x, i: x[i, i],
    "an array beside a number": lambda x, i: x[i, 0],
}


@pytest.mark.parametrize("wrong", [3, -4])
@pytest.mark.parametrize("way", OUT_OF_RANGE)
def test_an_index_out_of_range_in_an_array(device, way, wrong):
    if device.kind == "jax" or device.backend.waits_on_read(device.native):
        pytest.skip("an index out of range in an array is not searched for here")
    x = agrad.reshape(agrad.arange(9.0), (3, 3))
    with pytest.raises(IndexError):
        OUT_OF_RANGE[way](x, agrad.asarray([0, wrong]))
    with pytest.raises(IndexError):
        OUT_OF_RANGE[way](agrad.tensor(x, requires_grad=True), agrad.asarray([0, wrong]))


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("key", [np.s_[[0, 3]], np.s_[[-4, 0]], np.s_[:, [3]], np.s_[[0, 1], [0, 3]]], ids=str)
def test_an_index_out_of_range_in_an_array_to_write_at(device, key, recorded):
    if device.kind == "jax" or device.backend.waits_on_read(device.native):
        pytest.skip("an index out of range in an array is not searched for here")
    x = agrad.zeros((3, 3))
    with agrad.set_grad_enabled(recorded), pytest.raises(IndexError):
        x[key] = 1.0
    assert x.tolist() == [[0.0] * 3] * 3


@pytest.mark.cuda
def test_an_index_out_of_range_wraps_around_on_cuda():
    """Looking would mean to wait for the GPU; CuPy then reads and writes at another place."""
    x = agrad.asarray([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], device="cuda")
    assert x[[0, 3]].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert x[[0, 1], [0, 7]].tolist() == [0.0, 4.0]
    x[[0, 3]] = 9.0
    assert x.tolist() == [[9.0] * 3] * 2


def test_an_index_into_an_empty_axis_is_out_of_range_everywhere(device):
    x, i = agrad.zeros((0, 2)), agrad.asarray([1])
    for act in (lambda: x[i], lambda: agrad.permute_dims(x, (1, 0))[0, i], lambda: x.__setitem__(i, 1.0)):
        with pytest.raises(IndexError):
            act()
    assert x[agrad.asarray([], dtype=agrad.int64)].shape == (0, 2)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("key", [0, (), np.s_[:1], [0], np.s_[..., [True, False, False]]], ids=str)
@pytest.mark.parametrize("number", [1, 2, -1, np.int64(3)], ids=repr)
def test_an_integer_in_a_boolean_tensor_is_its_truth(device, key, number, recorded):
    """As in NumPy and PyTorch: whoever keeps a mask writes 0 and 1."""
    mask, expected = agrad.asarray([False, True, False]), np.asarray([False, True, False])
    with agrad.set_grad_enabled(recorded):
        mask[key] = number
        expected[key] = number
        assert mask.dtype is agrad.bool
        assert mask.tolist() == expected.tolist()
        mask[key] = 0
        expected[key] = 0
    assert mask.tolist() == expected.tolist()


def test_other_numbers_do_not_become_booleans(device):
    mask = agrad.asarray([False, True])
    for value in (1.0, 1j, agrad.asarray(1), [1, 0]):
        with pytest.raises(TypeError, match="bool"):
            mask[:] = value
    assert mask.fill_(1).tolist() == [True, True]


def test_errors_of_take(device):
    with pytest.raises(ValueError, match="needs an axis"):
        agrad.take(agrad.zeros((2, 3)), agrad.asarray([0]))
    with pytest.raises(IndexError, match=r"axis 2.*\(2, 3\)"):
        agrad.take(agrad.zeros((2, 3)), agrad.asarray([0]), axis=2)
    with pytest.raises(TypeError, match="integers"):
        agrad.take(agrad.zeros(3), agrad.asarray([0.0]))


@pytest.mark.parametrize("key", ["a", (0, "a"), {}, b"1", object])
def test_invalid_keys_are_index_errors(device, key):
    x = agrad.ones((2, 2))
    with pytest.raises(IndexError, match=r"does not fit a Tensor of shape \(2, 2\): a key is made of integers, slices"):
        x[key]
    with pytest.raises(IndexError, match=r"a key is made of integers, slices"):
        x[key] = 1.0
