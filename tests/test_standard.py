"""agrad's namespace beside array-api-strict's: every name of the standard, and each with the standard's signature."""

import inspect

import numpy as np
import pytest

import agrad

strict = pytest.importorskip("array_api_strict")

OWN = {"ArrayAPIStrictFlags", "Device", "ModuleType"}
NAMES = sorted(
    name for name in dir(strict) if not name.startswith("_") and name not in OWN and not name.endswith("strict_flags")
)
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(strict, name))]
EXTENSIONS = ("linalg", "fft")
METHODS = [name for name, value in vars(type(strict.zeros(1))).items() if inspect.isfunction(value)]
NOT_STANDARD = {"_new", "__buffer__", "__init__"}
OBJECTS = {"__array__", "__hash__", "__iter__", "__len__", "__reduce__", "__repr__", "__str__"}


def parameters(function):
    """Return name, kind and default of the standard's parameters; array-api-strict has a mark of its own for None."""
    found = inspect.signature(function).parameters.values()
    defaults = [None if "UNDEF" in repr(p.default) else p.default for p in found]
    return [(p.name, p.kind, d) for p, d in zip(found, defaults, strict=True) if p.name != "requires_grad"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name):
    assert hasattr(agrad, name)
    assert name in agrad.__all__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_the_standards(name):
    assert parameters(getattr(agrad, name)) == parameters(getattr(strict, name))


@pytest.mark.parametrize(
    ("extension", "name"), [(module, name) for module in EXTENSIONS for name in getattr(strict, module).__all__]
)
def test_extensions_are_the_standards(extension, name):
    module = getattr(agrad, extension)
    assert name in module.__all__
    assert parameters(getattr(module, name)) == parameters(getattr(getattr(strict, extension), name))


@pytest.mark.parametrize("name", ["eig", "eigh", "qr", "slogdet", "svd"])
def test_results_have_the_standards_names(name):
    x = [[2.0, 1.0], [1.0, 2.0]]
    fields = getattr(strict.linalg, name)(strict.asarray(x))._fields
    assert getattr(agrad.linalg, name)(agrad.asarray(x))._fields == fields


@pytest.mark.parametrize(
    "name", [name for name in METHODS if not name.startswith("_") or (name[:2] == "__" and name not in NOT_STANDARD)]
)
def test_every_method_is_there(name):
    assert hasattr(agrad.Tensor, name)


@pytest.mark.parametrize("name", sorted({m for m in METHODS if m[:2] == "__"} - NOT_STANDARD - OBJECTS))
def test_signatures_of_methods_are_the_standards(name):
    """What goes by position only may have other names."""
    (_, *own), (_, *standard) = (parameters(getattr(array, name)) for array in (agrad.Tensor, type(strict.zeros(1))))
    by_position = sum(kind is inspect.Parameter.POSITIONAL_ONLY for _, kind, _ in standard)
    assert [kind for _, kind, _ in own] == [kind for _, kind, _ in standard]
    assert own[by_position:] == standard[by_position:]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("unique_all", ("values", "indices", "inverse_indices", "counts")),
        ("unique_counts", ("values", "counts")),
        ("unique_inverse", ("values", "inverse_indices")),
    ],
)
def test_several_results_are_named(device, name, fields):
    result = getattr(agrad, name)(agrad.asarray([3.0, 1.0, 3.0]))
    assert isinstance(result, tuple)
    assert result._fields == fields
    assert all(isinstance(x, agrad.Tensor) and x.device is device for x in result)


ZERO_DIMENSIONAL = {
    "all": lambda x: agrad.all(x > 0),
    "any": lambda x: agrad.any(x > 0),
    "argmax": agrad.argmax,
    "argmin": agrad.argmin,
    "count_nonzero": agrad.count_nonzero,
    "max": agrad.max,
    "mean": agrad.mean,
    "min": agrad.min,
    "prod": agrad.prod,
    "std": agrad.std,
    "sum": agrad.sum,
    "var": agrad.var,
    "vecdot": lambda x: agrad.vecdot(x, x),
    "matmul": lambda x: agrad.matmul(x, x),
    "tensordot": lambda x: agrad.tensordot(x, x, axes=1),
    "reshape": lambda x: agrad.reshape(x[:1], ()),
    "squeeze": lambda x: agrad.squeeze(x[:1], 0),
    "unstack": lambda x: agrad.unstack(x)[0],
    "where": lambda x: agrad.where(x[0] > 0, x[0], 0.0),
    "an item": lambda x: x[0],
    "arithmetic": lambda x: x[0] * 2 + x[1],
    "a comparison": lambda x: x[0] > 1,
    "a cast": lambda x: x[0].astype(agrad.float64),
    "a root": lambda x: agrad.sqrt(x[0]),
    "a number": lambda x: agrad.asarray(1.0),
    "a gradient": lambda x: agrad.gradients(agrad.sum(x * x), x)[0][0],  # type: ignore[index]
}


@pytest.mark.parametrize("name", ZERO_DIMENSIONAL)
def test_results_without_axes_are_tensors(device, name):
    for x in (agrad.asarray([1.0, 2.0]), agrad.asarray([1.0, 2.0], requires_grad=True)):
        if name == "a gradient" and not x.requires_grad:
            continue
        result = ZERO_DIMENSIONAL[name](x)
        assert isinstance(result, agrad.Tensor)
        assert type(result.data) is device.array_type
        assert (result.shape, result.device) == ((), device)


def test_constants():
    assert agrad.newaxis is None
    assert (agrad.e, agrad.pi, agrad.inf) == (strict.e, strict.pi, strict.inf)
    assert agrad.nan != agrad.nan


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_finfo_holds_pythons_numbers(device, dtype):
    if dtype == "float16" and device.kind == "strict":
        pytest.skip("array-api-strict has no float16")
    info = agrad.finfo(getattr(agrad, dtype))
    real = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    limits = np.finfo(real)
    assert (type(info.bits), info.bits, info.dtype) == (int, limits.bits, getattr(agrad, real))
    for name in ("eps", "max", "min", "smallest_normal"):
        assert type(getattr(info, name)) is float
        assert getattr(info, name) == float(getattr(limits, name))


@pytest.mark.parametrize("dtype", [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)])
def test_iinfo_holds_pythons_numbers(device, dtype):
    info, limits = agrad.iinfo(getattr(agrad, dtype)), np.iinfo(dtype)
    assert (info.bits, info.min, info.max) == (limits.bits, int(limits.min), int(limits.max))
    assert {type(info.bits), type(info.min), type(info.max)} == {int}
    assert info.dtype is getattr(agrad, dtype)


@pytest.mark.parametrize(
    ("given", "name"),
    [(float, "float32"), (complex, "complex64"), (int, "int64"), (bool, "bool")]
    + [(np.dtype(name), name) for name in ("float64", "int8", "bool")]
    + [(np.float64, "float64"), (np.int16, "int16"), (np.bool_, "bool"), ("float64", "float64")],
)
def test_dtypes_by_other_names(device, given, name):
    """In all functions that take a dtype."""
    expected, x = getattr(agrad, name), agrad.ones(2)
    made = [agrad.zeros(2, dtype=given), agrad.asarray([0, 1], dtype=given), agrad.full(2, 1, dtype=given)]
    made += [agrad.ones_like(x, dtype=given), x.astype(given), x.to(dtype=given), agrad.empty(2, dtype=given)]
    if expected.family != "bool":
        made += [agrad.sum(x.astype(given), dtype=given)]
    assert [y.dtype for y in made] == [expected] * len(made)
    assert agrad.isdtype(given, expected)
    assert agrad.result_type(given) is expected
    assert agrad.can_cast(given, expected)
    assert hash(made[0].dtype) == hash(expected)
    assert {made[0].dtype: 1} == {expected: 1}


def test_inspection(device):
    info = agrad.__array_namespace_info__()
    assert info.default_device() is device
    assert device in info.devices()
    assert info.capabilities()["boolean indexing"]
    assert info.default_dtypes()["real floating"] is agrad.get_default_dtype()
    assert info.default_dtypes()["integral"] is agrad.asarray(0).dtype
    floats = info.dtypes(kind="real floating")
    assert agrad.float32 in floats.values()
    assert set(floats.values()) < set(info.dtypes().values())
    assert info.dtypes(device="strict:no_float64", kind="real floating") == {"float32": agrad.float32}


def test_lazily_imported_names_are_listed():
    assert callable(agrad.nn.Linear)
    assert callable(agrad.save)
    assert agrad.linalg.inv
    assert agrad.fft.fft
    assert "optim" in dir(agrad)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = agrad.nothing
