"""Every row of tests/cases.py on every device: values, types, gradients; and no primitive without a row."""

import sys
from functools import reduce

import numpy as np
import pytest

import agrad
import agrad.nn
from agrad.core.primitive import registry
from agrad.testing import assert_close, check_grads
from tests.cases import CASES, Case
from tests.special_table import lacks

FLOATING = "fc"
RELIES = (  # on others to check its shapes
    "nn.cross_entropy", "nn.functional.convolution", "nn.functional.pooling", "ops.gathering",
)  # fmt: skip


def find(case: Case):
    """Return the op of a row."""
    return reduce(getattr, case.op.split("."), agrad)


def make(spec, random, is_complex):
    """Turn makers into NumPy arrays, also inside a list; leave settings as they are."""
    if isinstance(spec, list):
        return [make(part, random, is_complex) for part in spec]
    if not callable(spec):
        return spec
    array = spec(random)
    return array + 1j * spec(random) if is_complex and array.dtype.kind == "f" else array


def arguments(case, is_complex=False):
    random = np.random.default_rng(0)
    return [make(spec, random, is_complex) for spec in case.args]


def arrays_of(args):
    """Return the arrays among the arguments, from lists too."""
    flat = [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]
    return [x for x in flat if isinstance(x, (np.ndarray, agrad.Tensor))]


def refill(args, arrays):
    """Put other arrays in the places of those among the arguments."""
    arrays = iter(arrays)

    def fill(arg):
        if isinstance(arg, list):
            return [fill(x) for x in arg]
        return next(arrays) if isinstance(arg, np.ndarray) else arg

    return [fill(arg) for arg in args]


def tensors(args, precision, requires_grad=False):
    """Make Tensors of arrays, the floating ones in single or double precision."""

    def tensor(array):
        if array.dtype.kind not in FLOATING:
            return agrad.asarray(array)
        dtype = {"f": {"single": "float32", "double": "float64"}, "c": {"single": "complex64", "double": "complex128"}}
        return agrad.tensor(array, dtype=dtype[array.dtype.kind][precision], requires_grad=requires_grad)

    return refill(args, [tensor(array) for array in arrays_of(args)])


def outputs(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def rows():
    for case in CASES:
        yield pytest.param(case, False, id=str(case))
        if case.complex:
            yield pytest.param(case, True, id=f"{case}-complex")


each_row = pytest.mark.parametrize(("case", "is_complex"), list(rows()))


def prepared(case, is_complex, device):
    if lacks(device, case.op):
        pytest.skip(f"{device} has no {case.op}")
    args = arguments(case, is_complex)
    precision = "double" if device.backend.supports_float64 else "single"
    if precision == "single" and any(x in ("float64", "complex128") for x in args if isinstance(x, str)):
        pytest.skip(f"{device} has no double precision")
    return args, precision


@each_row
def test_values_are_numpys(device, case, is_complex):
    args, precision = prepared(case, is_complex, device)
    found = outputs(case.run(find(case), tensors(args, precision)))
    expected = outputs(case.reference(*args, **case.kwargs))
    assert len(found) == len(expected)
    tolerance = case.tolerance if precision == "double" else 1e-4
    for result, value in zip(found, expected, strict=True):
        assert_close(result, np.asarray(value), rtol=tolerance, atol=tolerance)
        assert result.device is device


@each_row
def test_single_precision_stays_single(device, case, is_complex):
    args, _ = prepared(case, is_complex, device)
    singles = [x.astype({"f": "float32", "c": "complex64"}.get(x.dtype.kind, x.dtype)) for x in arrays_of(args)]
    inputs = tensors(args, "single")
    found = outputs(case.run(find(case), inputs))
    expected = [np.asarray(x) for x in outputs(case.reference(*refill(args, singles), **case.kwargs))]
    asked = {x for x in args if isinstance(x, str) and hasattr(agrad, x)}
    for result, value in zip(found, expected, strict=True):
        if asked:
            assert {result.dtype.name} == asked
        elif value.dtype.kind in FLOATING:
            assert result.dtype.name == {"f": "float32", "c": "complex64"}[value.dtype.kind]
        else:
            assert np.dtype(result.dtype.name).kind == value.dtype.kind


@each_row
def test_gradients_are_finite_differences(device, case, is_complex):
    if not device.backend.supports_float64:
        pytest.skip(f"{device} does not compute in float64")
    args, _ = prepared(case, is_complex, device)
    inputs = tensors(args, "double", requires_grad=True)
    arrays = arrays_of(inputs)
    if not any(x.requires_grad for x in arrays):
        pytest.skip(f"{case} has no floating argument")
    op = find(case)
    if case.order:
        check_grads(lambda *xs: case.run(op, refill(args, xs)), arrays, case.order)
    results = outputs(case.run(op, inputs))
    if not case.order or not any(x.dtype.differentiable for x in results):
        assert not any(x.requires_grad for x in results)
    elif hasattr(op, "definition") and op.definition.rules:
        assert any(x.requires_grad for x in results), "it has rules, so its result must be tracked"


def smaller(arrays):
    """Yield the arrays cut to length 0 and 1 along each axis, and to one number."""
    for axis in range(-max(x.ndim for x in arrays), 0):
        for length in (0, 1):
            key = (..., slice(length), *[slice(None)] * (-axis - 1))
            yield [x[key] if x.ndim >= -axis else x for x in arrays]
    yield [np.reshape(x, -1)[0, ...] for x in arrays]


@pytest.mark.property
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.*degrees of freedom:UserWarning")
@each_row
def test_what_goes_forward_goes_backward(device, case, is_complex):
    """Twice, also without elements, with one, and without axes: where the library takes such arrays."""
    args, precision = prepared(case, is_complex, device)
    arrays = arrays_of(args)
    if not case.order or not arrays or case.op.startswith(RELIES):
        pytest.skip("it has no gradients, or others check its shapes")
    for some in smaller(arrays):
        inputs = tensors(refill(args, some), precision, requires_grad=True)
        try:
            results = outputs(case.run(find(case), inputs))
        except Exception:  # the library refuses such arrays
            continue
        leaves = [x for x in arrays_of(inputs) if x.requires_grad]
        total = sum(agrad.sum(agrad.abs(x)) for x in results if x.requires_grad)
        if isinstance(total, agrad.Tensor):
            first = agrad.gradients(total, leaves, create_graph=True, allow_unused=True)
            again = sum(agrad.sum(agrad.abs(g)) for g in first if g is not None and g.requires_grad)
            if isinstance(again, agrad.Tensor):
                agrad.gradients(again, leaves, allow_unused=True)


def offered(name, definition):
    """Whether a primitive is what a module of agrad offers under this name: not one that a doctest made."""
    module, _, op = name.rpartition(".")
    return (
        module.startswith("agrad.")
        and getattr(getattr(sys.modules[module], op, None), "definition", None) is definition
    )


def test_every_primitive_has_a_row():
    covered = {id(getattr(find(case), "definition", None)) for case in CASES}
    missing = [
        name for name, definition in registry.items() if offered(name, definition) and id(definition) not in covered
    ]
    assert not missing, f"tests/cases.py has no row for {missing}"


def test_rows_have_different_names():
    names = [str(case) for case in CASES]
    assert len(names) == len(set(names))
