"""agrad's namespace beside array-api-strict's: every name of the standard, and each with the standard's signature."""

import inspect

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


def test_constants():
    assert agrad.newaxis is None
    assert (agrad.e, agrad.pi, agrad.inf) == (strict.e, strict.pi, strict.inf)
    assert agrad.nan != agrad.nan


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


def test_what_is_imported_late_is_found_early():
    assert agrad.nn.Linear
    assert agrad.save
    assert agrad.linalg.inv
    assert agrad.fft.fft
    assert "optim" in dir(agrad)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = agrad.nothing
