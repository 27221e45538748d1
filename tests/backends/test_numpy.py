"""The faster spellings of NumPy's functions give what array-api-compat's give."""

import platform
import subprocess
import sys

import array_api_compat.numpy as compat
import numpy as np
import pytest

import agrad
from agrad.backends.numpy import BACKEND

RNG = np.random.default_rng(3)
xp = BACKEND.xp
DTYPES = ["bool", "int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
REAL = ["float16", "float32", "float64"]
AXES = [None, 0, -1, (0,), (0, 1), (1, -1), ()]


def arrays(dtype):
    """Return arrays of that type, of several shapes and layouts."""
    whole = RNG.integers(0, 5, (3, 4, 2)).astype(dtype)
    return [whole, whole[::2, ::-1], whole.T, whole[:, :1], np.zeros((3, 0, 2), dtype)]


def outcome(function, *args, **kwargs):
    """Return what a function does: its values and their type, or the type of its error."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error), None, None
    return np.asarray(result), result.dtype, result.shape


def same(name, *args, rtol=0.0, **kwargs):
    with np.errstate(all="ignore"):
        found, dtype, shape = outcome(getattr(xp, name), *args, **kwargs)
        expected, *rest = outcome(getattr(compat, name), *args, **kwargs)
    assert [dtype, shape] == rest, (name, args, kwargs)
    if isinstance(expected, type):
        assert issubclass(found, expected) or issubclass(expected, found)
    else:
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
def test_reductions(dtype, axis, keepdims):
    for x in arrays(dtype):
        for name in ("sum", "prod", "any", "all"):
            same(name, x, axis=axis, keepdims=keepdims)
        if "complex" not in dtype:
            for name in ("max", "min"):
                same(name, x, axis=axis, keepdims=keepdims)
        if "float" in dtype or "complex" in dtype:
            same("mean", x, axis=axis, keepdims=keepdims, rtol=1e-6)
        if dtype in REAL:
            for correction in (0, 1, 0.5, 100):
                same("var", x, axis=axis, correction=correction, keepdims=keepdims, rtol=2e-6)
                same("std", x, axis=axis, correction=correction, keepdims=keepdims, rtol=2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_reductions_of_nothing_but_a_number(dtype):
    x = np.asarray(3, dtype=dtype)
    for name in ("sum", "prod", "any", "all"):
        same(name, x)
        same(name, x, axis=0)
    for kind in ("float64", "complex64", "int64"):
        with np.errstate(all="ignore"):
            same("sum", np.asarray([1, 2], dtype="int8"), dtype=np.dtype(kind))
            same("prod", np.asarray([1, 2], dtype="int8"), dtype=np.dtype(kind))


def test_sums_of_float16_are_as_exact_as_numpys():
    x = np.full(5000, 0.1, dtype=np.float16)
    assert xp.mean(x) == np.mean(x)
    assert xp.var(x) == np.var(x)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
def test_a_mean_of_nothing_is_nan_and_does_not_warn(dtype):
    assert np.isnan(agrad.mean(agrad.zeros(0, dtype=dtype)).item())
    assert np.isnan(agrad.var(agrad.zeros(2), correction=2).item())


@pytest.mark.parametrize("axis", [None, 0, -1, 1, 5])
@pytest.mark.parametrize("keepdims", [False, True])
def test_where_the_largest_is(axis, keepdims):
    for x in arrays("float32"):
        same("argmax", x, axis=axis, keepdims=keepdims)
        same("argmin", x, axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(1, 3), (1.5, None), (None, 2), (None, None), (3, 1), (float("nan"), 2.0), (-1000, 1000.5), (1, 2.5)],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_clip(dtype, low, high):
    for x in arrays(dtype):
        same("clip", x, low, high)
        same("clip", x, min=low, max=high)


def test_clip_between_arrays():
    x = RNG.normal(size=(3, 4)).astype(np.float32)
    same("clip", x, np.full(4, -0.5, dtype=np.float32), 0.5)
    same("clip", x, np.float32(-0.5), np.full((3, 1), 0.5))
    same("clip", np.asarray([np.nan, 1.0, np.inf], dtype=np.float32), 0.0, 2.0)


def test_clip_refuses_complex_numbers():
    with pytest.raises(TypeError, match=r"real numbers; write agrad.real\(x\)"):
        xp.clip(np.asarray([1j, 2.0]), 0.0, 1.0)


def test_clip_returns_a_copy():
    x = np.ones(3)
    assert not np.shares_memory(xp.clip(x), x)
    assert not np.shares_memory(xp.clip(x, 0.0), x)


@pytest.mark.parametrize("shape", [(24,), (4, 6), (-1, 2), (5, 5), (2, 3, 4, 1)])
@pytest.mark.parametrize("copy", [None, True, False])
def test_reshape(shape, copy):
    for x in arrays("int64"):
        same("reshape", x, shape, copy=copy)
    x = np.arange(24)
    assert np.shares_memory(xp.reshape(x, (4, 6)), x)
    assert not np.shares_memory(xp.reshape(x, (4, 6), copy=True), x)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (-1, 0, 1), (0, 1), (0, 0, 1), (0, 1, 3)])
def test_transposes(axes):
    for x in arrays("int64"):
        same("permute_dims", x, axes)
        same("matrix_transpose", x)
    same("matrix_transpose", np.arange(3))
    same("permute_dims", np.asarray(1), ())
    same("permute_dims", np.ones((2, 2)), ())


@pytest.mark.parametrize("axis", [0, 1, 2, 3, 4, -1, -3, -4, -5, (0, 1), (0, -1), True])
def test_axes_of_length_one(axis):
    for x in arrays("int64"):
        same("expand_dims", x, axis=axis)
    same("squeeze", np.ones((1, 3, 1)), axis)
    x = np.arange(6).reshape(2, 3)
    assert np.shares_memory(xp.expand_dims(x, axis=1), x)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (4,), (), (3, 0), (0, 4), (1, 1), (5, 4), (-1, 4)])
def test_broadcast_to(shape):
    numbers = [np.float32(2.0), np.asarray(2.0), np.ones((1, 1)), np.ones((2, 4))[:1, :1]]
    for x in (*numbers, np.ones((3, 1)), np.ones(4), np.ones(0)):
        same("broadcast_to", x, shape)


def test_a_broadcast_number_cannot_be_written_to():
    x = np.asarray(2.0)
    for source in (x, np.ones((3, 3))[1:2, 1:2]):
        many = xp.broadcast_to(source, (2, 2))
        with pytest.raises(ValueError, match="read-only"):
            many[0, 0] = 1.0
        assert BACKEND.is_view(many)
        assert BACKEND.buffer_of(many) == BACKEND.buffer_of(source)
    x[()] = 5.0
    np.testing.assert_array_equal(xp.broadcast_to(x, (2,)), [5.0, 5.0])


@pytest.mark.parametrize("axis", [0, 1, -1, None, 3])
def test_take(axis):
    x = RNG.normal(size=(3, 4))
    for index in ([0, 2], [-1], [], [7]):
        same("take", x, np.asarray(index, dtype=np.int64), axis=axis)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.bool_, np.complex64, np.float64])
@pytest.mark.parametrize("copy", [True, False])
def test_astype(dtype, copy):
    for x in arrays("float64"):
        same("astype", x, dtype, copy=copy)
    x = np.ones(3)
    assert (xp.astype(x, np.float64, copy=copy) is x) is not copy


@pytest.mark.parametrize("dtype", [None, np.float32, np.int8, np.bool_, np.complex64])
@pytest.mark.parametrize("where", [None, "cpu"])
def test_creation(dtype, where):
    for shape in (3, (2, 3), (), (0, 2), [2, 2]):
        for name in ("zeros", "ones"):
            same(name, shape, dtype=dtype, device=where)
        same("full", shape, 2, dtype=dtype, device=where)
        assert xp.empty(shape, dtype=dtype, device=where).dtype == (dtype or np.float64)
    for x in arrays("float32"):
        same("zeros_like", x, dtype=dtype, device=where)
        same("ones_like", x, dtype=dtype, device=where)
    if dtype not in (np.bool_, np.complex64):
        same("arange", 5, dtype=dtype, device=where)
        same("arange", 1, 10, 3, dtype=dtype, device=where)
        same("arange", 1.0, stop=0.0, step=-0.25, dtype=dtype, device=where)
    same("asarray", [[1, 2], [3, 4]], dtype=dtype, device=where)
    same("asarray", 1.5, device=where)


def test_other_devices_are_refused():
    for name in ("zeros", "ones", "empty"):
        with pytest.raises(ValueError, match=r"[Dd]evice"):
            getattr(xp, name)(3, device="cuda")


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "trunc"])
@pytest.mark.parametrize("dtype", DTYPES[1:])
def test_rounding(name, dtype):
    if name == "sign" or "complex" not in dtype:
        same(name, np.asarray([-1.5, 0, 0.4, 7]).astype(dtype), rtol=1e-6)


def test_matmul():
    for a, b in (((3, 4), (4, 2)), ((4,), (4,)), ((2, 3, 4), (4,)), ((3,), (4,))):
        same("matmul", np.ones(a), np.ones(b))


def test_the_namespace_has_all_of_the_standard():
    assert {name for name in compat.__all__ if not name.startswith("__")} <= set(vars(xp))
    assert xp.__array_api_version__ == compat.__array_api_version__
    assert xp.__array_namespace_info__ is compat.__array_namespace_info__
    assert set(compat.linalg.__all__) - {"__builtins__"} <= set(vars(xp.linalg))
    assert compat.sum is not xp.sum  # array-api-compat itself stays as it is


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("size", [10, 5000])
@pytest.mark.parametrize("number", [0, 0.0, -0.5, 3, True, 1e300, np.inf, np.nan])
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_against_a_number(dtype, size, number):
    x = RNG.standard_normal((size, 3)).astype(dtype)
    if dtype in REAL:
        x[:4, 0] = [np.nan, np.inf, -np.inf, 0.0]
    for layout in (x, x.T, x[::2]):
        for name in ("maximum", "minimum"):
            same(name, layout, number)
            same(name, number, layout)
            same(name, layout, np.asarray(number, layout.dtype) if np.isfinite(number) and number < 9 else layout)
        same("clip", layout, number)
        same("clip", layout, None, number)
        same("clip", layout, number, 2 * number)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "complex64"])
@pytest.mark.parametrize("size", [10, 5000])
def test_where(dtype, size):
    x1, x2 = (RNG.standard_normal((size, 3)).astype(dtype) for _ in range(2))
    if dtype in REAL:
        x1[:5, 0] = [np.nan, np.inf, -np.inf, -0.0, 0.0]
        x2[:5, 1] = [np.nan, np.inf, -np.inf, -0.0, 0.0]
    condition = x1[:, ::-1] > 0
    for other in (x2, x2[:, :1], x2[::-1, ::-1], np.asfortranarray(x2), x2.astype("complex128"), 0.0, 1.0, 0):
        same("where", condition, x1, other)
        same("where", condition[:, :1], x1, other)
        same("where", condition, x1.T.copy().T, other)
    same("where", condition, 0.0, x2)
    same("where", condition.astype("int8"), x1, x2)
    assert np.signbit(xp.where(np.zeros_like(condition), x1.real, -0.0)).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (3, 2), (400_003,), (200_000, 4)])
def test_add_scaled(dtype, shape):
    x, y = (np.asarray(RNG.integers(-8, 8, shape)).astype(dtype) for _ in range(2))
    for layout in (lambda x: x, lambda x: x.T, lambda x: np.asfortranarray(x)):
        array, other = layout(x.copy()), layout(y)
        assert BACKEND.add_scaled(array, other, -0.5) is array
        np.testing.assert_array_equal(array, layout(x) - 0.5 * other)
    whole = np.zeros(x.shape, dtype)
    BACKEND.add_scaled(whole, np.asarray(y.real, "float16"), 0.5)
    np.testing.assert_array_equal(whole, 0.5 * y)


@pytest.mark.parametrize(("method", "combine"), [("add_product", np.multiply), ("add_quotient", np.divide)])
@pytest.mark.parametrize("shape", [(), (3, 2), (1_100_003,), (550_000, 4)])
def test_add_of_two(method, combine, shape):
    x, y = (np.asarray(RNG.integers(-8, 8, shape)).astype("float32") for _ in range(2))
    z = 2.0 ** np.asarray(RNG.integers(-2, 2, shape)).astype("float32")
    for layout in (lambda x: x, lambda x: x.T):
        array, x1, x2 = layout(x.copy()), layout(y), layout(z)
        assert getattr(BACKEND, method)(array, x1, x2, -0.5) is array
        np.testing.assert_array_equal(array, layout(x) - 0.5 * combine(x1, x2))


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int8"])
def test_copies_begin_on_a_line_of_the_cache(dtype):
    x = np.arange(5000).astype(dtype).reshape(50, 100)
    for given in (x, x[:, 1:], x.T, np.asfortranarray(x)):
        copied = BACKEND.asarray(given, None, None, True)
        assert copied.ctypes.data % 64 == 0
        assert copied.flags.c_contiguous
        assert not np.shares_memory(copied, given)
        assert copied.dtype.isnative
        np.testing.assert_array_equal(copied, given)
    assert BACKEND.asarray(np.full(2000, 0.1), np.dtype("float32"), None, True).dtype == np.float32


def test_short_rows_of_float16_are_added_as_exactly_as_long_ones():
    x = np.full((32, 32), 0.1, np.float16)
    x[:, 0] = 2048
    np.testing.assert_array_equal(xp.sum(x, axis=1), np.sum(x, axis=1))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have other habits")
def test_arrays_that_come_and_go_keep_their_memory():
    code = """if True:
        import resource
        import agrad, numpy as np
        agrad.Device("cpu")
        def faults():
            for _ in range(50):
                kept = [np.ones(100_000, np.float32) for _ in range(2)]
                del kept
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        faults()
        print(-faults() + faults())
    """
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 1000  # each new page is a fault: 100 arrays of 98 pages would be 9,800


@pytest.mark.parametrize("dtype", ["int8", "int64", ">i8", "uint64", "float32"])
@pytest.mark.parametrize("step", [1, -2])
def test_within(dtype, step):
    x = np.asarray([3, 0, 7, 5]).astype(dtype)[::step]
    for least, most in ((0, 7), (0, 6), (0, 2), (1, 7), (-1, 7), (0, 4)):
        assert BACKEND.within(x, least, most) == all(least <= value <= most for value in x.tolist())
    if dtype != "uint64":
        assert not BACKEND.within(-x, 0, 7)
        assert not BACKEND.within(np.asarray([np.iinfo(np.int64).min]), 0, 7)
        assert not BACKEND.within(x, 0, -1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_program_chooses_between_a_large_array_and_zero(dtype):
    f = lambda x, y: (agrad.where(x > 0, x + y, 0.0), agrad.where(y > 0, y, 0.0), agrad.where(x > 0, y, -0.0))
    x, y = (agrad.asarray(RNG.standard_normal((80, 60)).astype(dtype)) for _ in range(2))
    x[0, :3] = agrad.asarray([np.nan, np.inf, -np.inf], dtype=dtype)
    compiled = agrad.compile(f)
    for _ in range(2):
        for got, expected in zip(compiled(x, y), f(x, y), strict=True):
            np.testing.assert_array_equal(got.numpy().view(np.uint8), expected.numpy().view(np.uint8))
    assert "zero_unless" in compiled.source
