"""The texts that ops are compiled of: here that of a call; `recording` has those of the record and of the rules.

A loop over arguments and lookups by name cost as much again as a small op: recorded, `multiply` of two arrays of 16
numbers takes 5 µs by these texts and 10 by such a loop. So the loops run once, when an op is defined, and leave a text
without them. ``tests/core/golden/multiply.txt`` has the texts of `multiply`. All are known to `linecache`, so that
tracebacks and debuggers show their lines.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from inspect import Parameter, Signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .primitive import Definition

__all__ = ["call_text", "default_values", "make", "make_at_first_call", "tuple_text"]

# A call of an op. What is neither a Tensor nor a plain number is prepared first, and comes again; so do Tensors on
# several devices, if they can be lifted to one. OP is the op's name.
_CALL: Final = """\
def OP{signature}:
{refuse}    _device, _mask = None, 0
{unwrap}
    if _device is None: return {again}
    if observers: return observe(definition, _mask, ({frame}))
    try: _out = {call}
    except Exception as error: _out = definition.retry(error, ({frame}))
    if type(_out) is not _device.array_type: return definition.finish(_out, _device, _mask, ({frame}))
    result = new(Tensor)
    result._data, result._device, result._node = _out, _device, None
    if _mask and recording.get(){only}:
        result._node = (plans.get(_mask) or definition.plan(_mask)).record({frame}, _out, _out)
    return result
"""
# Ops take arguments that they do not have, to say what to write instead. Most take only the keywords that other
# libraries give to all of them: that costs 2 % of a small op, where any arguments would cost 9 %.
_REFUSE: Final = "    if {wrong}: raise errors.wrong_call(definition, '{receiver}', locals())\n"
_UNWRAP: Final = """\
    if isinstance({x}, Tensor):
        if {x}._device is not _device:
            if _device is not None: return {lift}
            _device = {x}._device
        if {x}._node is not None: _mask += {bit}
        _data_{x} = {x}._data
    elif type({x}) in {plain}: _data_{x} = {x}
    elif {x} is None: raise errors.missing_array(definition.name, "{x}")
    else: return {again}
"""
_UNWRAP_SEQUENCE: Final = "    {x}, _data_{x}, _device, _mask = unwrap_sequence(definition.name, {x})"

_NO_VALUE: Final = {Parameter.empty: Parameter.empty}  # else a default is None in the text


def call_text(
    definition: Definition, standard: bool, again: str | None = None, signature: Signature | None = None
) -> str:
    """Return the text of an op's call.

    Parameters
    ----------
    definition : Definition
    standard : bool
        Whether it calls the function of its name in the namespace itself, instead of the forward.
    again : str, optional
        What is called, with the op's arguments, where one of them is no Tensor and no number; by default the op, with
        arguments that are prepared.
    signature : Signature, optional
        What it takes as a method ``x.OP(...)``, where that is not what the op takes.
    """
    parameters = definition.signature.parameters
    settings = [f"{x}={x}" if parameters[x].kind is Parameter.KEYWORD_ONLY else x for x in definition.settings]
    raw = [f"_data_{x}" for x in definition.arrays]
    arrays = tuple_text(definition.arrays)
    given = definition.arrays if again else [f"*prepare({arrays})"]
    anew = f"{again or 'op'}({', '.join([*given, *settings])})"
    lift = f"op({', '.join([f'*lifted(definition.name, {arrays})', *settings])})"
    unwrap = _UNWRAP_SEQUENCE if definition.sequence else _UNWRAP
    plain = {x: "PLAIN" if parameters[x].default is None else "SCALARS" for x in definition.arrays}
    taken = signature or definition.signature
    accepted, wrong = (_in_source(parameters.values()), "") if again else _accepted(definition, taken)
    return _CALL.format(
        signature=accepted,
        refuse=_REFUSE.format(wrong=wrong, receiver="x" if signature else "") if wrong else "",
        unwrap="".join(
            unwrap.format(x=x, plain=plain[x], bit=1 << i, again=anew, lift=lift)
            for i, x in enumerate(definition.arrays)
        ).rstrip("\n"),
        again=anew,
        only=" and from_native(_out.dtype).differentiable" if "dtype" in definition.settings else "",
        call=("_device.xp.OP(" if standard else "forward(_device.xp, ") + ", ".join([*raw, *settings]) + ")",
        frame=definition.frame,
    )


def tuple_text(items: Sequence[str]) -> str:
    """Return a tuple as source text."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _accepted(definition: Definition, signature: Signature) -> tuple[str, str]:
    """Return what a function accepts, as source text, and the condition that some of it is wrong."""
    given = [p.replace(default=default) for p, default in _defaults(definition, signature).items()]
    named = [p for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    wrong = [f"{p.name} is Parameter" for p in given if p.default is Parameter]
    if definition.renamed:
        given.append(Parameter("_extra", Parameter.VAR_POSITIONAL))
        named.append(Parameter("_unknown", Parameter.VAR_KEYWORD))
        wrong += ["_extra", "_unknown"]
    else:
        given += [Parameter(x, Parameter.POSITIONAL_OR_KEYWORD, default=None) for x in definition.refused]
        wrong += [f"{x} is not None" for x in definition.refused]
    return _in_source([*given, *named]), " or ".join(wrong)


def _defaults(definition: Definition, signature: Signature) -> dict[Parameter, Any]:
    """Return positional parameters with defaults: None for a required array, `Parameter` for a required setting."""
    positional = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    missing = {p: None if p.name in definition.arrays else Parameter for p in positional if p.default is p.empty}
    return {p: missing.get(p, p.default) for p in positional}


def default_values(definition: Definition, signature: Signature) -> tuple[Any, ...]:
    """Return the defaults of the positional parameters of a function whose text is `call_text`'s."""
    return (*_defaults(definition, signature).values(), *[None for _ in definition.refused])


def _in_source(parameters: Iterable[Parameter]) -> str:
    """Return parameters as source text: the defaults' values are set afterwards."""
    return str(Signature([p.replace(annotation=p.empty, default=_NO_VALUE.get(p.default)) for p in parameters]))


@cache
def _compiled(text: str) -> Any:
    """Compile a text, once for all ops that have the same arguments."""
    return compile(text, "<agrad>", "exec")


def make(text: str, known: dict[str, Any], title: str, name: str = "") -> Any:
    """Return the function that a text defines.

    Parameters
    ----------
    text : str
    known : dict
        Its global names.
    title : str
        What tracebacks show as its file.
    name : str
        What OP stands for in it.
    """
    exec(_compiled(text), known)
    defined = text[len("def ") : text.index("(")]
    function = known.pop(defined)  # so that it does not refer to itself
    file, lines = f"<agrad {title}>", text.replace("OP", name).splitlines(keepends=True)
    linecache.cache[file] = len(text), None, lines, file
    code = function.__code__  # its own, though texts alike are compiled once: the interpreter adapts code to its use
    names = tuple(name if x == "OP" else x for x in code.co_names)
    function.__name__ = name if defined == "OP" else defined
    function.__code__ = code.replace(co_filename=file, co_names=names, co_name=function.__name__)
    return function


def _first_call(*args: Any, **kwargs: Any) -> Any:
    """Stand for a function that is not made yet; its global names are those of that function."""
    return make_now()(*args, **kwargs)  # type: ignore[name-defined] # noqa: F821


def make_at_first_call(made: Callable[[], Any], known: dict[str, Any], name: str) -> Any:
    """Return a function whose code is made when it is first called: a program calls few of the ops.

    Parameters
    ----------
    made : callable
        Makes the function, with the global names `known`.
    known : dict
    name : str
    """

    def make_now() -> Any:
        source = made()
        function.__defaults__, function.__kwdefaults__ = source.__defaults__, source.__kwdefaults__
        function.__code__ = source.__code__
        return function

    function = FunctionType(_first_call.__code__, known, name)
    known["make_now"] = make_now
    return function
