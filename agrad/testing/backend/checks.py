"""Runs rows and programs on a device, and compares them with those on ``"cpu"``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from types import ModuleType
from typing import Any, Final, NamedTuple

import agrad

from ...core.device import Device
from ...core.tensor import Tensor
from ..comparison import flat_values, worst
from .programs import PROGRAMS
from .rows import Numbers, Row, read_rows

__all__ = ["Outcome", "check_programs", "check_rows"]

_TOLERANCES: Final = {"single": 1e-3, "double": 1e-8}
_DTYPES: Final = {
    ("floating", "single"): "float32",
    ("floating", "double"): "float64",
    ("complex", "single"): "complex64",
    ("complex", "double"): "complex128",
}


class Outcome(NamedTuple):
    """What became of a row or a program.

    Attributes
    ----------
    name : str
    verdict : {"agrees", "is not compared", "is missing", "fails", "differs"}
        Whether it agrees with NumPy; else whether there is nothing to compare with, for want of SciPy, or whether the
        library lacks it, raises, or has other values.
    reason : str
        The error, or where the values differ.
    """

    name: str
    verdict: str
    reason: str = ""


def check_rows(device: Device, part: str = "") -> Iterator[Outcome]:
    """Yield the outcome of each row whose name has `part` in it: of its values, and of gradients up to its order."""
    for row in read_rows():
        if part in row.name:
            precision = _precision(device, row)
            yield _compared(row.name, partial(_run, row, precision), device, precision)


def check_programs(device: Device, part: str = "") -> Iterator[Outcome]:
    """Yield the outcome of each program whose name has `part` in it."""
    for name, program in PROGRAMS.items():
        if part in name:
            yield _compared(name, program, device, "single")


def _precision(device: Device, row: Row) -> str:
    """Return the precision that a device has for a row."""
    is_complex = any(x.kind == "complex" for x in _flat(row.args) if isinstance(x, Numbers))
    wide = device.backend.supports_float64 and (hasattr(device.xp, "complex128") or not is_complex)
    return "double" if wide else "single"


def _compared(name: str, run: Callable[[Device], Sequence[Tensor]], device: Device, precision: str) -> Outcome:
    try:
        expected = run(Device("cpu"))
    except NotImplementedError as error:
        return Outcome(name, "is not compared", _first_line(error))
    try:
        with device:
            found = run(device)
            values = [flat_values(x) for x in found]
    except Exception as error:
        if _is_missing(error):
            return Outcome(name, "is missing", _first_line(error))
        return Outcome(name, "fails", f"{type(error).__name__}: {_first_line(error)}")
    for x, y, flat in zip(found, expected, values, strict=True):
        if x.shape != y.shape:
            return Outcome(name, "differs", f"its shape is {x.shape}, expected {y.shape}")
        if x.dtype.family != y.dtype.family:
            return Outcome(name, "differs", f"its dtype is {x.dtype!r}, expected {y.dtype!r}")
        if difference := worst(flat, flat_values(y), x.shape, _TOLERANCES[precision], _TOLERANCES[precision]):
            return Outcome(name, "differs", difference)
    return Outcome(name, "agrees")


def _is_missing(error: Exception) -> bool:
    """Return whether an error says that the library lacks a function or a dtype."""
    lacks_function = isinstance(error, AttributeError) and isinstance(error.obj, ModuleType)
    return isinstance(error, NotImplementedError) or lacks_function or " has no dtype " in str(error)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _run(row: Row, precision: str, device: Device) -> list[Tensor]:
    """Return the outputs of a row, and its gradients of first and second order."""
    op: Any = reduce(getattr, row.op.split("."), agrad)
    args = [_made(x, device, precision) for x in row.args]
    leaves = [x for x in _flat(args) if isinstance(x, Tensor) and x.requires_grad]
    result = op(*args, **row.settings)
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    found, level = list(outputs), outputs
    for order in range(1, row.order + 1):
        level = [y for y in level if y is not None and y.requires_grad]
        if not level:
            break
        weights = [agrad.full_like(y.detach(), 0.5 + 0.25 * i) for i, y in enumerate(level)]
        gradients = agrad.gradients(level, leaves, weights, create_graph=order < row.order, allow_unused=True)
        level = [g for g in gradients if g is not None]
        found += level
    return found


def _made(x: Any, device: Device, precision: str) -> Any:
    """Return an argument with Tensors on a device in place of `Numbers`."""
    if isinstance(x, list):
        return [_made(part, device, precision) for part in x]
    if not isinstance(x, Numbers):
        return x
    dtype = _DTYPES.get((x.kind, precision), x.kind)
    values = _joined(x.values) if x.kind == "complex" else x.values
    return agrad.tensor(values, dtype=dtype, device=device, requires_grad=x.kind in ("floating", "complex"))


def _joined(values: Any) -> Any:
    """Return complex numbers for the pairs of nested lists."""
    return [_joined(x) for x in values] if isinstance(values[0], list) else complex(*values)


def _flat(args: Sequence[Any]) -> list[Any]:
    return [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]
