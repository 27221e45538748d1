"""What leaves a function under vmap for Python, NumPy or another library: it works, or the error says what to write."""

import copy
import math
import pickle

import numpy as np
import pytest

import agrad
from agrad.backends import UnknownValueError, device_of
from agrad.core.primitive import ArrayLike, primitive
from agrad.testing import assert_close

BATCH = 4
X = (np.arange(3.0 * BATCH).reshape(BATCH, 3) / 10 + 0.5).astype("float32")
HERE = r"(?s)4 examples; write agrad.where\(.*test_vmap_exits.py, line \d+: "

READS = {
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "math": lambda x: math.sqrt(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "format": lambda x: f"{x[0]:.3f}",
    "percent": lambda x: "%g" % x[0],  # noqa: UP031
    "if": lambda x: 1.0 if x[0] > 1 else 2.0,
    "and": lambda x: x[0] > 0 and x[1] > 0,
    "chained comparison": lambda x: 0 < x[0] < 3,
    "max": lambda x: max(x[0], x[1]),
    "sorted": lambda x: sorted(x),
    "any": lambda x: any(x > 1),
    "in": lambda x: x[0] in x,
    "range": lambda x: range(agrad.astype(x[0], "int64")),
    "an index of a list": lambda x: [1, 2, 3][agrad.astype(x[0], "int64")],
    "a slice": lambda x: x[: agrad.astype(x[0], "int64")],
    "a shape": lambda x: agrad.reshape(x, (agrad.astype(x[0], "int64"),)),
    "arange": lambda x: agrad.arange(x[0]),
    "a mask": lambda x: x[x > 1],
    "nonzero": lambda x: agrad.nonzero(x),
    "unique": lambda x: agrad.unique_values(x),
    "repeat": lambda x: agrad.repeat(x, agrad.astype(x, "int64")),
    "asarray": lambda x: np.asarray(x),
    "array of a list": lambda x: np.array([x[0], x[1]]),
    "__array__": lambda x: x.__array__(),
    "from_dlpack": lambda x: np.from_dlpack(x),
    "the array's __dlpack__": lambda x: x.data.__dlpack__(),
    "asarray of the array": lambda x: np.asarray(x.data),
    "sum of the array": lambda x: np.sum(x.data),
    "dot of the array": lambda x: np.dot(x.data, x.data),
    "matmul of the array": lambda x: np.matmul(x.data, x.data),
    "into an array": lambda x: np.zeros(3).__setitem__(slice(None), x),
    "out": lambda x: np.add(x.data, x.data, out=np.zeros(3)),
    "random numbers by parameters": lambda x: np.random.default_rng(0).normal(x),
    "vectorize": lambda x: np.vectorize(lambda a: a + 1)(x),
    "allclose": lambda x: np.allclose(x, x),
    "pickle": lambda x: pickle.dumps(x),
    "deepcopy": lambda x: copy.deepcopy(x),
    "another device": lambda x: x.to("strict:device1"),
}


BY_NUMPY = {"asarray", "array of a list", "__array__", "into an array", "random numbers by parameters", "vectorize"}


@pytest.mark.parametrize("name", READS)
def test_reading_values_is_refused_with_the_line(device, name):
    if device.kind == "cuda" and name in BY_NUMPY:
        pytest.skip("NumPy takes no Tensor on CUDA, under vmap or not")
    with pytest.raises(UnknownValueError, match=HERE) as told:
        agrad.vmap(lambda x: READS[name](x))(agrad.asarray(X))
    assert "site-packages" not in str(told.value)


def test_saving_is_refused_and_leaves_no_file(device, tmp_path):
    with pytest.raises(UnknownValueError, match=HERE):
        agrad.vmap(lambda x: agrad.save({"x": x}, tmp_path / "x.safetensors"))(agrad.asarray(X))
    assert list(tmp_path.iterdir()) == []


WORKS = {
    "length and iteration": lambda x: sum(x) * len(x),
    "a list of numbers": lambda x: agrad.asarray([x[0], x[2]]),
    "full": lambda x: agrad.full(3, x[0]),
    "linspace": lambda x: agrad.linspace(x[0], x[1], 3),
    "NumPy's function": lambda x: np.sin(x),
    "NumPy's operators": lambda x: np.ones(3, "float32") + x,
    "the array": lambda x: x.data,
    "arithmetic of the array": lambda x: 2 * x.data[:2] + 1,
    "a constant and the array": lambda x: np.ones((2, 3), "float32") * x.data,
    "a Tensor of the array": lambda x: agrad.asarray(x.data) * x,
    "a ufunc of the array": lambda x: np.sin(x.data),
    "a ufunc of two results": lambda x: np.modf(x.data)[0],
    "a count": lambda x: agrad.astype(agrad.count_nonzero(x > 1), "float32") * x,
    "writing by a mask": lambda x: x.__setitem__(x > 1, 0.0) or x,
    "a hash": lambda x: x * len({x, x}),
}


@pytest.mark.parametrize("name", WORKS)
def test_exits_that_need_no_values_work(device, name):
    if device.kind == "cuda" and "ufunc" in name:
        pytest.skip("CuPy's arrays take CuPy's functions")
    found = agrad.vmap(WORKS[name])(agrad.asarray(X))
    assert found.device is device
    with agrad.Device("cpu"):  # NumPy does not take each library's arrays
        expected = [agrad.asarray(WORKS[name](agrad.asarray(row))) for row in X]
        assert_close(found.cpu(), agrad.stack(expected), rtol=1e-6)


def test_text_shows_the_shape(device):
    shown = []
    agrad.vmap(lambda x: shown.extend([repr(x), str(x), f"{x}", f"{x[0]}"]) or x)(agrad.asarray(X))
    assert all("one of 4 under vmap, shape=(" in text for text in shown)


def test_methods_of_the_library_below_are_told_apart(device):
    for read in (lambda x: x.data.ravel(), lambda x: x.data.tolist()):
        with pytest.raises(AttributeError, match=r"array of a Tensor under vmap has no attribute .* agrad's functions"):
            agrad.vmap(read)(agrad.asarray(X))
    with pytest.raises(TypeError, match="not str"):
        agrad.vmap(lambda x: str(x))(agrad.asarray(X))


def test_a_tensor_kept_from_vmap_says_so(device):
    kept = []
    agrad.vmap(lambda x: kept.append((x, x.data)) or x)(agrad.asarray(X))
    ((x, data),) = kept
    for read in (lambda: float(x[0]), lambda: np.asarray(data), lambda: agrad.asarray(data).numpy()):
        with pytest.raises(UnknownValueError, match="kept from"):
            read()


# Ops whose forward or gradient rule leaves xp


def an_op(forward, rule):
    """Return a new op of one array."""

    def op(xp, x: ArrayLike, /):
        return forward(xp, x)

    made = primitive(op)
    made.vjp(x=rule)
    return made


def test_an_op_that_leaves_xp(device):
    if device.kind == "cuda":
        pytest.skip("NumPy takes no arrays of CuPy's")
    x = agrad.asarray(X)
    double = an_op(lambda xp, x: xp.asarray(2 * np.asarray(x), device=x.device), lambda g: 2 * g)
    with pytest.raises(UnknownValueError, match=HERE + r"double ="):
        agrad.vmap(double)(x)
    sine = an_op(lambda xp, x: xp.sin(x), lambda g, x: g * type(g)(np.cos(np.asarray(x))))
    assert_close(agrad.vmap(sine)(x), agrad.sin(x))
    with pytest.raises(UnknownValueError, match=HERE + r"sine ="):
        agrad.vmap(agrad.grad(lambda x: agrad.sum(sine(x))))(x)


@pytest.mark.parametrize("make", [
    lambda xp, **place: xp.ones(3, **place), lambda xp, **place: xp.asarray([1.0, 1.0, 1.0], **place),
    lambda xp, **place: xp.fft.fftfreq(3, **place) * 0.0 + 1.0,
])  # fmt: skip
def test_an_op_that_makes_arrays_says_where(device, make):
    x = agrad.asarray(X)
    told = an_op(lambda xp, x: x + xp.astype(make(xp, device=device_of(x)), x.dtype), lambda g: g)
    assert_close(agrad.vmap(told)(x), x + 1.0)
    silent = an_op(lambda xp, x: x + make(xp), lambda g: g)
    with pytest.raises(TypeError, match=r"needs the device under vmap: write device=array_api_compat.device\(x\)"):
        agrad.vmap(silent)(x)


def test_a_ufunc_is_as_good_as_a_function_of_xp(device):
    if device.kind != "cpu":
        pytest.skip("NumPy's ufuncs are for its own arrays")
    x, sine = agrad.asarray(X), an_op(lambda xp, x: np.sin(x), lambda g, x: g * np.cos(x))
    assert_close(agrad.vmap(sine)(x), agrad.sin(x))
    assert_close(agrad.vmap(agrad.grad(lambda x: agrad.sum(sine(x))))(x), agrad.cos(x))
    assert_close(agrad.jacobian(sine)(x[0]), agrad.cos(x[0]) * agrad.eye(3))
