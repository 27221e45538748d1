"""Expansion: calls that the backend computes in several steps become a call per step, so that steps share buffers."""

from __future__ import annotations

import operator
from typing import Any, Final

from ..backends.base import OUT, Backend
from ..virtual.traced.recording import PURE, WRITE, Call, Variable
from .program import Program

__all__ = ["expanded"]

_PRODUCTS: Final = {"add_product": operator.mul, "add_quotient": operator.truediv}
_NAMES: Final = {operator.mul: "multiply", operator.truediv: "divide", operator.imul: "multiply", operator.iadd: "add"}


def expanded(program: Program, backend: Backend) -> Program:
    """Replace fused updates of parameters, and calls of several steps, by calls of operators if that is no slower."""
    calls: list[Call] = []
    for call in program.calls:
        if call.kind == WRITE and call.name == "update" and call.args[1] in _IN_PLACE:
            array, function, other = call.args
            call.function, call.args = function, (array, other)
        steps = None if call.kind != PURE or call.several else backend.steps(call.function, call.args, call.kwargs)
        if steps is not None:
            calls += _in_steps(call, steps, backend)
        elif call.name in ("add_scaled", *_PRODUCTS) and not backend.fuses(call.outputs[0].value):
            calls += _steps(call)
        else:
            calls.append(call)
    program.calls = calls
    return program


_IN_PLACE: Final = (operator.iadd, operator.isub, operator.imul, operator.itruediv)


def _in_steps(call: Call, steps: Any, backend: Backend) -> list[Call]:
    """Return the calls of the steps that a backend takes for a call."""
    made: list[Call] = []
    for function, args, kwargs in steps:
        args = tuple(made[-1].outputs[0] if x is OUT else x for x in args)
        values = [x.value if type(x) is Variable else x for x in args]
        made.append(Call(PURE, _NAMES.get(function) or function.__name__.strip("_"), function, args, kwargs))
        made[-1].line, made[-1].outputs = call.line, [Variable(backend.box(function(*values, **kwargs)))]
    made[-1].outputs = call.outputs
    return made


def _steps(call: Call) -> list[Call]:
    array, *factors, scale = call.args
    if call.name == "add_scaled":
        first = _call(call, PURE, operator.mul, scale, factors[0])
        steps = [first]
    else:
        first = _call(call, PURE, _PRODUCTS[call.name], *factors)
        steps = [first, _call(call, WRITE, operator.imul, first.outputs[0], scale)]
    last = _call(call, WRITE, operator.iadd, array, steps[-1].outputs[0])
    last.outputs = call.outputs
    return [*steps, last]


def _call(call: Call, kind: str, function: Any, *args: Any) -> Call:
    """Return a call of an operator that replaces another call."""
    made = Call(kind, _NAMES[function], function, args, {})
    made.line = call.line
    values = [x.value if type(x) is Variable else x for x in args]
    pure = {operator.imul: operator.mul, operator.iadd: operator.add}.get(function, function)
    made.outputs = [Variable(pure(*values), view_of=args[0] if kind == WRITE else None)]
    return made
