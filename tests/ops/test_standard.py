"""The array API standard of 2025.12, by name: every function, constant and dtype, with its signature."""

import inspect

import array_api_strict
import pytest

import agrad

KEYWORD_ONLY, EMPTY = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
NOT_OF_THE_STANDARD = {"Device", "ModuleType", "ArrayAPIStrictFlags", "linalg", "fft"}
NAMES = [
    name
    for name in dir(array_api_strict)
    if not name.startswith("_") and "array_api_strict" not in name and name not in NOT_OF_THE_STANDARD
]
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(array_api_strict, name))]


def described(parameters):
    """Return what a call sees of parameters; array-api-strict has a mark of its own for None."""
    return [(p.name, p.kind, None if "UNDEF" in repr(p.default) else p.default) for p in parameters]


def test_there_is_something_to_compare():
    assert len(FUNCTIONS) > 130


@pytest.mark.parametrize("name", NAMES)
def test_the_name_exists(name):
    assert hasattr(agrad, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_signature_is_the_standards(name):
    """Names, kinds, order and defaults; agrad may take more by keyword, `requires_grad` for instance."""
    expected = list(inspect.signature(getattr(array_api_strict, name)).parameters.values())
    found = list(inspect.signature(getattr(agrad, name)).parameters.values())
    names = {p.name for p in expected}
    more = [p for p in found if p.name not in names]
    assert all(p.kind is KEYWORD_ONLY and p.default is not EMPTY for p in more), f"{name} wants {more}"
    assert described(p for p in found if p.name in names) == described(expected)


def test_constants():
    assert (agrad.e, agrad.pi) == (pytest.approx(2.718281828459045), pytest.approx(3.141592653589793))
    assert agrad.inf == float("inf")
    assert agrad.nan != agrad.nan
    assert agrad.newaxis is None
    assert agrad.__array_api_version__ == "2025.12"


def test_namespace_info():
    info = agrad.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] in (True, False)
    assert info.default_dtypes()["real floating"] is agrad.float32
    assert info.dtypes(kind="bool") == {"bool": agrad.bool}
    assert info.default_device() is not None
    assert agrad.Device("cpu") in info.devices()
