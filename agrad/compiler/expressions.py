"""Expressions: the calls of a program as source text."""

from __future__ import annotations

import operator
from math import inf, isfinite
from typing import Any, Final

from ..virtual.traced.recording import DRAW, Call, Variable
from .names import Names

__all__ = ["INFIX", "expression", "shown"]

INFIX: Final = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.matmul: "@", operator.and_: "&", operator.or_: "|",
    operator.xor: "^", operator.lshift: "<<", operator.rshift: ">>", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=", operator.iadd: "+=",
    operator.isub: "-=", operator.imul: "*=", operator.itruediv: "/=", operator.ifloordiv: "//=", operator.imod: "%=",
    operator.ipow: "**=", operator.imatmul: "@=", operator.iand: "&=", operator.ior: "|=", operator.ixor: "^=",
    operator.ilshift: "<<=", operator.irshift: ">>=",
}  # fmt: skip
_PREFIX: Final = {operator.neg: "-", operator.pos: "+", operator.invert: "~"}


def expression(call: Call, names: Names) -> str:
    """Return a call as source text."""
    args, function = call.args, call.function
    if function in INFIX and len(args) == 2:
        left, right = (f"({text})" if text.startswith("-") else text for text in (shown(x, names) for x in args))
        return f"{left} {INFIX[function]} {right}"
    if function in _PREFIX:
        return f"{_PREFIX[function]}{shown(args[0], names)}"
    if call.name == "matrix_transpose":
        return f"{shown(args[0], names)}.mT"
    if function is operator.getitem:
        return f"{shown(args[0], names)}[{_key(args[1], names)}]"
    texts = ["generator()" if call.kind == DRAW and i == 0 else shown(x, names) for i, x in enumerate(args)]
    texts += [f"{name}={shown(value, names)}" for name, value in call.kwargs.items()]
    return f"{names.bound(call.name, function)}({', '.join(texts)})"


def shown(x: Any, names: Names) -> str:
    """Return an argument as source text."""
    if type(x) is Variable:
        return names[x]
    if type(x) is tuple:
        return f"({', '.join(shown(part, names) for part in x)}{',' if len(x) == 1 else ''})"
    if type(x) is list:
        return f"[{', '.join(shown(part, names) for part in x)}]"
    if type(x) is slice:
        return f"slice({', '.join(shown(part, names) for part in (x.start, x.stop, x.step))})"
    if x is ...:
        return "..."
    if x is None or type(x) in (bool, int, str):
        return repr(x)
    if type(x) is float:
        return repr(x) if isfinite(x) else names.bound({inf: "inf", -inf: "minus_inf"}.get(x, "nan"), x)
    return names.bound(_name_of(x), x)


def _key(key: Any, names: Names) -> str:
    """Return a key as source text, for use between brackets."""
    if type(key) is slice and not any(type(part) is Variable for part in (key.start, key.stop, key.step)):
        parts = ["" if part is None else str(part) for part in (key.start, key.stop)]
        return ":".join([*parts, str(key.step)] if key.step is not None else parts)
    if type(key) is tuple and key:
        return ", ".join(_key(part, names) for part in key) + ("," if len(key) == 1 else "")
    return shown(key, names)


def _name_of(x: Any) -> str:
    """Return a name for a dtype, a function or another constant."""
    name = getattr(x, "__name__", None) or getattr(x, "name", None) or str(x).rpartition(".")[2]
    return name if isinstance(name, str) and name.isidentifier() else type(x).__name__.lower()
