"""PyTorch's keywords: a call with one that agrad does not have raises an error that shows the call to write instead."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from inspect import Parameter, Signature
from types import FunctionType
from typing import Any, Final

from ..core import errors
from ..core.device import Device
from ..core.dtypes import DType
from ..core.tensor import Tensor

__all__ = [
    "CALLS", "KEYWORDS", "UNUSED", "answer_calls", "answer_methods", "answered", "in_public", "no_array", "wrong_call",
    "wrong_call_of_op",
]  # fmt: skip

# Other libraries' keywords, each with its possible names in agrad; the function's signature decides which.
KEYWORDS: Final = {
    "dim": ("axis", "axes"),
    "dims": ("axis", "axes", "repetitions"),
    "axes": ("axis", "dim"),
    "axis": ("dim", "axes"),
    "keepdim": ("keepdims",),
    "keepdims": ("keepdim",),
    "diagonal": ("k",),
    "unbiased": ("correction",),
    "ddof": ("correction",),
    "p": ("ord",),
    "size": ("shape",),
    "steps": ("num",),
    "shifts": ("shift",),
    "index": ("indices",),
    "right": ("side",),
    "nan": ("fill_value",),
    "rcond": ("rtol",),
    "tol": ("rtol",),
    "in_dims": ("in_axes",),
    "out_dims": ("out_axes",),
    "map_location": ("device",),
    "f": ("path",),
    "obj": ("state",),
    "func": ("f",),
    "end": ("stop",),
    "d": ("dtype",),
    "generator": ("seed",),
    "src": ("root",),
}
# Keywords whose values differ, too.
_VALUES: Final[dict[str, Callable[[Any], Any]]] = {
    "unbiased": int,
    "right": lambda right: "right" if right else "left",
    "generator": lambda generator: None if generator is None else 0,
}
# Keywords of arrays that are given by position here, in the order of agrad's own arrays.
_ARRAYS: Final = {
    "A", "B", "a", "b", "condition", "exponent", "ext_tensor", "index", "input", "m", "mat2", "n", "other", "q",
    "sorted_sequence", "target", "tensor", "tensors", "value", "vec2", "x", "y",
}  # fmt: skip
# Keywords that choose among implementations or manage memory, and mean nothing here.
UNUSED: Final = {
    "assign", "async_op", "backend", "broadcast_buffers", "bucket_cap_mb", "cache_enabled", "capturable", "copy",
    "device_id", "device_ids", "device_type", "differentiable", "enable_nested_tensor", "foreach", "fused", "generator",
    "gradient_as_bucket_view", "group", "init_method", "inplace", "layout", "mask_check", "memory_format", "mmap",
    "multiprocessing_context", "non_blocking", "output_device", "persistent_workers", "pickle_module",
    "pickle_protocol", "pin_memory", "pin_memory_device", "process_group", "remove_duplicate", "set_to_none", "sparse",
    "static_graph", "timeout", "verbose", "weights_only",
}  # fmt: skip
_BY_POSITION: Final = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
_BY_KEYWORD: Final = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
# Calls that are replaced by other calls.
CALLS: Final = {
    "torch.add(x, y, alpha=2)": "x + 2 * y",
    "torch.subtract(x, y, alpha=2)": "x - 2 * y",
    'torch.divide(x, y, rounding_mode="floor")': "x // y",
    "torch.round(x, decimals=1)": "agrad.round(x * 10.0) / 10.0",
    'torch.divide(x, y, rounding_mode="trunc")': "agrad.trunc(x / y)",
    "torch.arange(end=3)": "agrad.arange(3)",
    "torch.rand(size=(2, 3))": "agrad.rand(2, 3)",
    "torch.randn(size=(2, 3))": "agrad.randn(2, 3)",
    "torch.softmax(x, dim=1, dtype=torch.float64)": "agrad.softmax(x.astype(agrad.float64), axis=1)",
    "torch.log_softmax(x, dim=1, dtype=torch.float64)": "agrad.log_softmax(x.astype(agrad.float64), axis=1)",
    "torch.transpose(x, dim0=0, dim1=1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "torch.autocast('cpu', dtype=torch.bfloat16)": "agrad.autocast(agrad.bfloat16)",
    "torch.amp.GradScaler(device='cpu')": "agrad.amp.GradScaler()",
    "torch.utils.checkpoint.checkpoint(f, v)": "agrad.checkpoint(f)(v)",
    "torch.utils.checkpoint.checkpoint(f, v, use_reentrant=False)": "agrad.checkpoint(f)(v)",
    "torch.max(x, y)": "agrad.maximum(x, y)",
    "torch.min(x, y)": "agrad.minimum(x, y)",
    "torch.squeeze(x)": "x.squeeze()",
    "torch.transpose(x, 0, 1)": "agrad.moveaxis(x, (0, 1), (1, 0))",
    "torch.where(mask)": "agrad.nonzero(mask)",
    "torch.nonzero(x, as_tuple=True)": "agrad.nonzero(x)",
    "torch.nonzero(x, as_tuple=False)": "agrad.stack(agrad.nonzero(x), axis=-1)",
}


@cache
def _lines() -> dict[tuple[str, str], str]:
    """Return the replacements of the calls in `CALLS`, by function and last keyword ("" for none)."""
    found: dict[tuple[str, str], str] = {}
    for theirs, ours in CALLS.items():
        name = theirs.partition("(")[0].rpartition(".")[2]
        key = name, ["", *re.findall(r"(\w+)=", theirs)][-1]
        found[key] = f"{found[key]}, {ours} for {theirs}" if key in found else f"write {ours} for PyTorch's {theirs}"
    return found


def wrong_call(name: str, signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError:
    """Return the error for a call that does not fit a signature.

    Parameters
    ----------
    name : str
        What is called, with what stands before a dot.
    signature : Signature
    args, kwargs
        What it was called with.
    """
    known = signature.parameters
    unknown = {key: kwargs[key] for key in _unknown(signature, kwargs)}
    kinds = [p.kind for p in known.values()]
    extra = () if Parameter.VAR_POSITIONAL in kinds else args[sum(kind in _BY_POSITION for kind in kinds) :]
    shown = [f"{key}={errors.describe(value)}" for key, value in unknown.items()]
    shown += [f"{', '.join(map(errors.describe, extra))} by position"] * bool(extra)
    function = name.rpartition(".")[2]
    refused = f"{function}() does not take {' and '.join(shown)}" if shown else f"{function}() lacks an argument"
    keys = unknown or [""]
    line, key = next(((line, key) for key in keys if (line := _lines().get((function, key)))), ("", ""))
    call = None if line and key not in KEYWORDS else _corrected(name, signature, args, kwargs)
    answer = f"write {call}" if call else line
    return TypeError(f"{refused}; {answer or _arguments(signature)}")


def _arguments(signature: Signature) -> str:
    return f"its arguments are {', '.join(signature.parameters)}" if signature.parameters else "it takes no arguments"


def _unknown(signature: Signature, kwargs: Mapping[str, Any]) -> list[str]:
    """Return the keywords that a signature does not have."""
    known = signature.parameters
    if any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return []
    return [x for x in kwargs if x not in known or known[x].kind not in _BY_KEYWORD]


def _corrected(name: str, signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the call that the user probably meant, as source text; None if there is no guess."""
    known = signature.parameters
    named: dict[str, Any] = {}
    arrays: list[Any] = []
    template = "{}"
    has_name = _BY_POSITION | _BY_KEYWORD
    for key, value in kwargs.items():
        ours = next((x for x in (key, *KEYWORDS.get(key, ())) if x in known and known[x].kind in has_name), None)
        if ours is not None and ours not in named:
            named[ours] = _VALUES.get(key, _same)(value)
        elif key in _ARRAYS:
            arrays.append(value)
        elif key == "out":
            template = template if value is None else "out[...] = {}"
        elif key in ("size_average", "reduce") and "reduction" in known and value is not None:
            average, reduce = (kwargs.get(x, True) is not False for x in ("size_average", "reduce"))
            named["reduction"] = ("mean" if average else "sum") if reduce else "none"
        elif key not in UNUSED and value is not None and value is not False:
            return None
    try:
        bound = _bound(signature, list(args), named, arrays)
    except TypeError:
        return None
    return template.format(f"{name}({', '.join(bound)})")


def _same(value: Any) -> Any:
    return value


def _bound(signature: Signature, args: list[Any], named: dict[str, Any], arrays: list[Any]) -> list[str]:
    """Return the arguments of a call as source text; TypeError if they do not fit the signature."""
    texts = []
    for p in signature.parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            texts += [_text(x, p.name) for x in [*args, *arrays]]
            args, arrays = [], []
        elif p.kind in _BY_POSITION:
            texts += [_text(x, p.name) for x in _taken(p, args, named, arrays)]
    keywords = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY and p.name != "dtype"]
    by_position = dict(zip(keywords, args, strict=False))
    if arrays or len(args) > len(by_position) or by_position.keys() & named or any(hasattr(x, "shape") for x in args):
        raise TypeError
    return texts + [f"{key}={_text(value, key)}" for key, value in (by_position | named).items()]


def _taken(p: Parameter, args: list[Any], named: dict[str, Any], arrays: list[Any]) -> list[Any]:
    """Remove the value of a parameter and return it in a list; empty if it is not given by position."""
    if args:
        return [args.pop(0)]
    if p.name in named:
        return [named.pop(p.name)] if p.kind is p.POSITIONAL_ONLY else []
    if arrays and (p.default is p.empty or p.kind is p.POSITIONAL_ONLY):
        return [arrays.pop(0)]
    if p.default is p.empty:
        raise TypeError
    return []


def _text(value: Any, name: str = "") -> str:
    """Return a value as source text: the name of its parameter for arrays and other objects."""
    plain = isinstance(value, (bool, int, float, complex, str, Device, DType)) or value is None
    if plain or (isinstance(value, (list, tuple)) and all(not name or _text(x) for x in value)):
        return errors.describe(value)
    return name


def wrong_call_of_op(definition: Any, receiver: str, given: dict[str, Any]) -> TypeError:
    """Return the error for a call of an op, or of a method if `receiver`, the text before the dot, is given.

    `given` are all of its arguments by name, with those that the op does not have.
    """
    _, *rest = parameters = list(definition.signature.parameters.values())
    extra, unknown = given.get("_extra", ()), dict(given.get("_unknown", ()))
    if not definition.renamed:
        unknown = {key: given[key] for key in definition.refused if given[key] is not None}
        if all(given[x] is not None for x in definition.arrays):  # too many arguments by position
            extra = [unknown.pop(x) for x in ("input", "other") if x in unknown]
    in_order = {Parameter.POSITIONAL_ONLY} | ({Parameter.POSITIONAL_OR_KEYWORD} if extra else set())
    if receiver:
        parameters = [rest[0].replace(kind=Parameter.POSITIONAL_OR_KEYWORD), *rest[1:]]
    known = {p: given[p.name] for p in parameters if extra or not (given[p.name] is None or given[p.name] is Parameter)}
    args = [value for p, value in known.items() if p.kind in in_order]
    settings = {p.name: x for p, x in known.items() if p.kind not in in_order and x is not p.default}
    name = f"{receiver}{'.' * bool(receiver)}{definition.name}"
    return wrong_call(name, Signature(parameters), [*args, *extra], settings | unknown)


def no_array(op: str, argument: str) -> TypeError:
    """Return the error for an array argument of an op that is None or missing."""
    error, line = errors.no_array(op, argument), _lines().get((op, ""))
    return TypeError(f"{error}; {line}") if line else error


# Functions that are not ops, and classes


def answered(function: Any) -> Any:
    """Return a function that does the same, but raises `wrong_call` for keywords that it lacks."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if answer := _answer(function, args, kwargs):
                raise answer from error
            raise

    return call


def _answer(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError | None:
    """Return the error for a call, or None if the function has all its keywords."""
    signature, name = inspect.signature(function), function.__name__
    if "self" in signature.parameters:
        kind = type(args[0])
        receiver = "x" if issubclass(kind, Tensor) else "model"
        name = kind.__name__ if name == "__init__" else f"{receiver}.{name}"
        signature, args = signature.replace(parameters=list(signature.parameters.values())[1:]), args[1:]
    unknown = _unknown(signature, kwargs)
    first = next(iter(signature.parameters), "")
    if first == "shape" and len(args) > 1 and not unknown and all(type(n) is int for n in args):
        return TypeError(f"{name}() takes the shape as one argument; write {name}({tuple(args)})")
    parameters = list(signature.parameters.values())
    twice = kwargs.keys() & {p.name for p in parameters[: len(args)]}
    too_many = len(args) > len(parameters) and Parameter.VAR_POSITIONAL not in [p.kind for p in parameters]
    if twice:
        line = next((_lines()[name, key] for key in twice if (name, key) in _lines()), None)
        return TypeError(f"{name}() got {', '.join(twice)} by position and by keyword; {line}") if line else None
    return wrong_call(name, signature, args, kwargs) if unknown or too_many else None


def answer_calls(module: str) -> None:
    """Make the functions and classes of a module raise helpful errors for PyTorch's keywords.

    agrad's own modules call the functions behind them, which costs nothing.
    """
    names = vars(sys.modules[module])
    for name in names.keys() & {*names["__all__"]}:
        found = names[name]
        if inspect.isclass(found):
            for kind in found.__mro__:
                if kind.__module__.startswith(module):
                    answer_methods(kind, "__init__")
        else:
            names[name] = in_public(found, module)


def in_public(found: Any, module: str) -> Any:
    """Return the public version of a function, which raises helpful errors; an op does so by itself."""
    if type(found) is not FunctionType or hasattr(found, "definition"):
        return found
    function = answered(found)
    function.__module__ = module  # so that it can be pickled
    return function


def answer_methods(kind: Any, *names: str) -> None:
    """Make methods of a class raise helpful errors for PyTorch's keywords."""
    for name in names:
        if name in vars(kind) and not hasattr(vars(kind)[name], "__wrapped__"):
            setattr(kind, name, answered(vars(kind)[name]))
