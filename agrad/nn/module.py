"""Module, the base class of layers, losses and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from ..core import hooks
from ..core.device import Device
from ..core.dtypes import DType, as_dtype
from ..core.grad_mode import no_grad
from ..core.hooks import RemovableHandle
from ..core.tensor import Tensor, convert, wrap
from ..core.typing import DTypeLike
from ..ops import journal
from ..spellings import answer_in_class, answer_methods
from .errors import takes_none, wrapped
from .notebook import layers_as_html
from .parameter import Parameter

__all__ = ["IncompatibleKeys", "Module"]

T = TypeVar("T")
_FLOATING: Final = {"bfloat16", "float16", "float32", "float64", "complex64", "complex128"}


class IncompatibleKeys(NamedTuple):
    """The missing and the unexpected keys of a state dict, as `Module.load_state_dict` returns them."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """The base class of layers, losses and whole models: define ``__init__`` and ``forward`` in a subclass.

    A `Parameter` or Module assigned to an attribute is registered: `parameters`, `state_dict`, `to` and other methods
    include it. Other Tensors that belong to the module's state are registered by `register_buffer`.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode, in which layers such as dropout behave differently; see `train`, `eval`.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn
    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = nn.Parameter(2.0)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(agrad.asarray([1.0, 2.0])).tolist()
    [2.0, 4.0]
    >>> [name for name, _ in line.named_parameters()]
    ['slope']
    """

    # Parameters and modules are found among the instance's attributes by their type, buffers by their names. So
    # reading any of them is plain attribute access, and there is no second registry to keep in sync.
    # A module whose __init__ has not run has these defaults: it may have plain attributes, but nothing registered.
    _buffers: Mapping[str, bool] = MappingProxyType({})  # name: whether it is persistent
    _forward_pre_hooks: Mapping[float, tuple[Any, bool]] = MappingProxyType({})  # each hook with its with_kwargs
    _forward_hooks: Mapping[float, tuple[Any, bool]] = MappingProxyType({})
    training: bool = True

    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if args or kwargs:
                raise takes_none(type(self).__name__, args, kwargs)
            self.__dict__.update(_buffers={}, training=True)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the forward pre-hooks, `forward` and the forward hooks, and return the output."""
        if self._forward_hooks or self._forward_pre_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, takes_keywords in hooks.ordered(self._forward_pre_hooks):
            if takes_keywords:
                args, kwargs = _replaced(hook(self, args, kwargs), (args, kwargs))
            elif (result := hook(self, args)) is not None:
                args = result if isinstance(result, tuple) else (result,)
        output = self.forward(*args, **kwargs)
        for hook, takes_keywords in hooks.ordered(self._forward_hooks):
            result = hook(self, args, kwargs, output) if takes_keywords else hook(self, args, output)
            output = output if result is None else result
        return output

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output: a subclass defines it, with any arguments, and calling the module calls it.

        Raises
        ------
        NotImplementedError
            If the subclass does not define it.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no forward(); write `def forward(self, x): ...` in class {name}")

    def functional_call(self, params: Mapping[str, Tensor], /, *args: Any, **kwargs: Any) -> Any:
        """Call the module with the given Tensors in place of its parameters and buffers.

        This makes a model a function of its parameters, for `agrad.grad` and the other transforms. The module itself
        is unchanged; parameters and buffers that are not in `params` keep their own values.

        Parameters
        ----------
        params : mapping of str to Tensor
            By dotted names, as in `state_dict` and `named_parameters`; each of the shape of the Tensor it replaces.
        *args, **kwargs
            The arguments of the call.

        Returns
        -------
        object
            The output of the call.

        Raises
        ------
        ValueError
            If the module has no parameter or buffer of that name, or one of another shape.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> layer, x = nn.Linear(2, 1), agrad.asarray([1.0, 2.0])
        >>> gradients = agrad.grad(lambda params: layer.functional_call(params, x).sum())(layer.state_dict())
        >>> gradients["weight"].tolist(), gradients["bias"].tolist()
        ([[1.0, 2.0]], [1.0])
        """
        places = dict(self._members(Module._own_places))
        own = {name: vars(module)[attribute] for name, (module, attribute) in places.items()}
        if unknown := [name for name in params if name not in own]:
            raise ValueError(f"{type(self).__name__} has no parameter or buffer {unknown}; it has {list(own)}")
        for name, value in params.items():
            if value.shape != own[name].shape:
                raise ValueError(f"{name} has shape {own[name].shape}; it cannot be replaced by shape {value.shape}")
        replacements = {id(own[name]): value for name, value in params.items()}  # a shared one is replaced everywhere
        replaced = {name: places[name] for name, value in own.items() if id(value) in replacements}
        journal.changes[0] += 1
        try:
            for name, (module, attribute) in replaced.items():
                vars(module)[attribute] = params.get(name, replacements[id(own[name])])
            return self(*args, **kwargs)
        finally:
            journal.changes[0] += 1
            for name, (module, attribute) in replaced.items():
                vars(module)[attribute] = own[name]

    # Hooks

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Register a hook that is called before each `forward`.

        Parameters
        ----------
        hook : callable
            ``hook(module, args)`` returns None, or new arguments: a tuple, or a single value.
        prepend : bool
            Whether to call it before the hooks registered so far, instead of after them.
        with_kwargs : bool
            Whether to call it as ``hook(module, args, kwargs)``; it then returns None or ``(args, kwargs)``.

        Returns
        -------
        RemovableHandle
            Its `remove` method removes the hook.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> layer = nn.ReLU()
        >>> with layer.register_forward_pre_hook(lambda module, args: -args[0]):
        ...     layer(agrad.asarray([1.0, -2.0])).tolist()
        [0.0, 2.0]
        """
        journal.changes[0] += 1
        own = vars(self).setdefault("_forward_pre_hooks", {})
        return hooks.attach(own, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Register a hook that is called after each `forward`.

        Parameters
        ----------
        hook : callable
            ``hook(module, args, output)`` returns None, or a new output.
        prepend : bool
            Whether to call it before the hooks registered so far, instead of after them.
        with_kwargs : bool
            Whether to call it as ``hook(module, args, kwargs, output)``.

        Returns
        -------
        RemovableHandle
            Its `remove` method removes the hook.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> shapes = []
        >>> handle = model[0].register_forward_hook(lambda module, args, output: shapes.append(output.shape))
        >>> y = model(agrad.ones((5, 2)))
        >>> handle.remove()
        >>> shapes
        [(5, 3)]
        """
        journal.changes[0] += 1
        own = vars(self).setdefault("_forward_hooks", {})
        return hooks.attach(own, (hook, with_kwargs), prepend)

    # Registration

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module)):
            self._refuse_if_unready(name)
            self._forget_buffer(name)
        elif value is not None:
            self._refuse_replacement(name, value)
        journal.assigning(self, name, name in self._buffers)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        journal.assigning(self, name, False)
        object.__delattr__(self, name)
        self._forget_buffer(name)

    def _forget_buffer(self, name: str) -> None:
        if name in self._buffers:
            del vars(self)["_buffers"][name]

    def _refuse_if_unready(self, name: str) -> None:
        if "_buffers" not in vars(self):
            raise AttributeError(
                f"cannot assign {name!r} before Module.__init__() has run; "
                f"write super().__init__() first in {type(self).__name__}.__init__"
            )

    def _refuse_replacement(self, name: str, value: Any) -> None:
        """Raise TypeError where an assignment would silently remove a parameter, module or buffer."""
        kind = type(value).__name__
        current = vars(self).get(name)
        if isinstance(current, Parameter):
            raise TypeError(
                f"{name!r} is a parameter and cannot become a {kind}; write nn.Parameter(value) for a new one, "
                f"or `with agrad.no_grad(): module.{name}[...] = value` for new values"
            )
        if isinstance(current, Module):
            raise TypeError(f"{name!r} is a module and cannot become a {kind}; assign a module or None")
        if name in self._buffers and not isinstance(value, Tensor):
            raise TypeError(f"{name!r} is a buffer and must be a Tensor or None, not {kind}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter, as assigning it to an attribute does; None reserves the name.

        Raises
        ------
        TypeError
            If `param` is not a Parameter.
        KeyError
            If the name is empty, contains a dot or is taken.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} must be a Parameter or None, not {type(param).__name__}")
        self._refuse_name(name)
        setattr(self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a buffer, a Tensor that is not a parameter: `to` moves it, and the state dict includes it.

        Parameters
        ----------
        name : str
            The attribute by which it is accessed.
        tensor : Tensor or None
            The buffer; None reserves the name.
        persistent : bool
            Whether it is part of the state dict.

        Raises
        ------
        TypeError
            If `tensor` is not a Tensor.
        KeyError
            If the name is empty, contains a dot or is taken.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> module = nn.Module()
        >>> module.register_buffer("mean", agrad.zeros(2))
        >>> list(module.state_dict())
        ['mean']
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"buffer {name!r} must be a Tensor or None, not {type(tensor).__name__}")
        self._refuse_name(name)
        self._refuse_if_unready(name)
        setattr(self, name, tensor)
        vars(self)["_buffers"][name] = persistent

    def add_module(self, name: str, module: Module | None) -> None:
        """Register a child module, as assigning it to an attribute does; the name may be a number, such as ``"0"``.

        Raises
        ------
        TypeError
            If `module` is not a Module.
        KeyError
            If the name is empty, contains a dot or is taken.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"child {name!r} must be a Module or None, not {type(module).__name__}")
        self._refuse_name(name)
        setattr(self, name, module)

    def _refuse_name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, not {name!r}")
        if not name or "." in name:
            raise KeyError(f"a name must not be empty or contain a dot, not {name!r}")
        if hasattr(self, name):
            raise KeyError(f"{type(self).__name__} already has an attribute {name!r}")

    # Traversal

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct children with their names, each once."""
        return _each_once((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator[Module]:
        """Yield the direct children, each once."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it with their dotted names, each once, parents first."""
        return _each_once(self._tree(prefix))

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once, parents first.

        Examples
        --------
        >>> from agrad import nn
        >>> [type(module).__name__ for module in nn.Sequential(nn.Linear(2, 1), nn.ReLU()).modules()]
        ['Sequential', 'Linear', 'ReLU']
        """
        return (module for _, module in self.named_modules())

    def _tree(self, prefix: str) -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield from value._tree(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names, each once.

        Examples
        --------
        >>> from agrad import nn
        >>> [(name, p.shape) for name, p in nn.Linear(2, 1).named_parameters()]
        [('weight', (1, 2)), ('bias', (1,))]
        """
        return _each_once(self._members(Module._own_parameters, prefix, recurse))

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once, as an optimizer takes them.

        Parameters
        ----------
        recurse : bool
            Whether to include the parameters of submodules.
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names, each once."""
        return _each_once(self._members(Module._own_buffers, prefix, recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Parameter))

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, vars(self)[name]) for name in self._buffers if vars(self)[name] is not None)

    def _own_places(self) -> Iterator[tuple[str, tuple[Module, str]]]:
        for name, _ in (*self._own_parameters(), *self._own_buffers()):
            yield name, (self, name)

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        yield from self._own_parameters()
        yield from ((name, buffer) for name, buffer in self._own_buffers() if self._buffers[name])

    def _members(
        self, own: Callable[[Module], Iterator[tuple[str, T]]], prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, T]]:
        for path, module in self._tree(prefix) if recurse else [(prefix, self)]:
            for name, value in own(module):
                yield f"{path}.{name}" if path else name, value

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on each submodule and then on self, and return self."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # State

    def state_dict(self) -> dict[str, Tensor]:
        """Return the parameters and persistent buffers by their dotted names.

        Returns
        -------
        dict of str to Tensor
            Detached Tensors, which share memory with the module where the array library writes in place. `agrad.save`
            writes them to a file.

        Examples
        --------
        >>> from agrad import nn
        >>> list(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).state_dict())
        ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        return {name: value.detach() for name, value in self._members(Module._own_state)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the values of a state dict into the parameters and persistent buffers.

        Parameters
        ----------
        state_dict : mapping of str to Tensor or array
            From `state_dict` of a module of the same structure; dtypes and devices are converted.
        strict : bool
            Whether missing and unexpected keys are errors; wrong shapes always are.

        Returns
        -------
        IncompatibleKeys
            Its ``missing_keys`` and ``unexpected_keys`` are empty if `strict`.

        Raises
        ------
        ValueError
            If keys are missing or unexpected, or shapes differ: all are listed, and nothing is changed.
        TypeError
            If `state_dict` is not a mapping.

        Examples
        --------
        >>> from agrad import nn
        >>> a, b = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> b.load_state_dict(a.state_dict())
        IncompatibleKeys(missing_keys=[], unexpected_keys=[])
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"a state dict maps names to Tensors, as from state_dict(); {type(state_dict).__name__} does not"
            )
        own = dict(self._members(Module._own_state))
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = [f"missing: {name}" for name in missing] if strict else []
        problems += [f"unexpected: {name}" for name in unexpected] if strict else []
        arrays = {}
        for name, tensor in own.items():
            if name not in state_dict:
                continue
            try:
                arrays[name] = _converted(state_dict[name], tensor)
            except (TypeError, ValueError) as error:
                problems.append(f"{name}: {error}")
        if problems:
            problems += wrapped(own, state_dict)
            raise ValueError(f"this state dict does not match {type(self).__name__}:\n  " + "\n  ".join(problems))
        with no_grad():
            for name, array in arrays.items():
                own[name][...] = array
        return IncompatibleKeys(missing, unexpected)

    # Training mode, device and dtype, gradients

    def train(self, mode: bool = True) -> Self:
        """Set training mode for this module and all submodules, and return self.

        Examples
        --------
        >>> from agrad import nn
        >>> nn.Sequential(nn.ReLU()).eval()[0].training
        False
        """
        if not isinstance(mode, bool):
            raise ValueError(f"mode must be True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, ``train(False)``, and return self."""
        return self.train(False)

    def to(self, *args: Any, device: str | Device | None = None, dtype: DTypeLike = None) -> Self:
        """Move the parameters and buffers to a device, cast the floating ones to a dtype, and return self.

        The Parameter objects stay the same, so that their optimizer keeps working; gradients are moved too.

        Parameters
        ----------
        *args : str, Device, dtype or Tensor
            ``to("cuda")``, ``to(agrad.float64)``, ``to("cuda", agrad.float64)`` or ``to(tensor)``.
        device : str or Device, optional
        dtype : DType, optional
            Real or complex floating.

        Raises
        ------
        TypeError
            If the dtype is not floating.
        ValueError
            If there is no such device.

        Examples
        --------
        >>> import agrad
        >>> from agrad import nn
        >>> nn.Linear(2, 1).to(agrad.float64).weight.dtype
        agrad.float64
        """
        for arg in args:
            if isinstance(arg, Tensor):
                device, dtype = arg.device, arg.dtype
            elif isinstance(arg, (str, Device)):
                device = arg
            elif arg is not None:
                dtype = arg
        if isinstance(device, str) and device in _FLOATING:
            raise ValueError(f"{device!r} is not a device; for a dtype write to(agrad.{device})")
        target = None if device is None else Device(device)
        cast = None if dtype is None else as_dtype(dtype)
        if cast is not None and not cast.differentiable:
            raise TypeError(f"a module can be cast to floating and complex dtypes, not to {cast!r}")
        for tensor in (*self.parameters(), *self.buffers()):
            _move(tensor, target, cast)
            if tensor.grad is not None:
                _move(tensor.grad, target, cast)
        return self

    def cpu(self) -> Self:
        """Move to the CPU, ``to("cpu")``, and return self."""
        return self.to("cpu")

    def cuda(self, device: int | str | Device | None = None) -> Self:
        """Move to a CUDA device, by default the first, and return self; an integer is the device's index."""
        if device is None or isinstance(device, int):
            device = "cuda" if device is None else f"cuda:{device}"
        return self.to(device)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters to None, or to zeros if not `set_to_none`."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters require gradients, and return self; False freezes the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    # Text

    def extra_repr(self) -> str:
        """Return the text inside the parentheses of the repr; a subclass returns its settings."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = self._lines_of_children()
        if len(lines) > 1 or children:
            lines += [line.replace("\n", "\n  ") for line in children]
            extra = "\n  " + "\n  ".join(lines) + "\n"
        return f"{type(self).__name__}({extra})"

    def _repr_html_(self) -> str:
        return layers_as_html(self)

    def _lines_of_children(self) -> list[str]:
        return [f"({name}): {value!r}" for name, value in vars(self).items() if isinstance(value, Module)]


answer_in_class(Module)
answer_methods(Module, "load_state_dict", "named_buffers", "named_modules", "named_parameters", "to")


def _replaced(result: Any, given: tuple[tuple[Any, ...], dict[str, Any]]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments that a hook with keywords returned, or the given ones if it returned None."""
    if result is None:
        return given
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"a forward pre-hook with_kwargs returns None or (args, kwargs), not {result!r}")
    return result


def _each_once(named: Iterator[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    seen: set[int] = set()
    for name, value in named:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def _converted(value: Any, own: Tensor) -> Tensor:
    """Return a value of a state dict as a Tensor of the device and dtype of `own`; ValueError if that loses values."""
    tensor = value if isinstance(value, Tensor) else Tensor(value)
    if tensor.shape != own.shape:
        raise ValueError(f"shape {tensor.shape} where {own.shape} is expected")
    if tensor.dtype.is_complex and not own.dtype.is_complex:
        raise ValueError(f"{tensor.dtype!r} where {own.dtype!r} is expected")
    if tensor.dtype.differentiable and not own.dtype.differentiable:
        _refuse_fractions(tensor, own.dtype)
    return wrap(*convert(tensor, own.dtype, own.device))


def _refuse_fractions(tensor: Tensor, dtype: DType) -> None:
    xp = tensor._device.xp
    if not bool(xp.all(xp.trunc(tensor.data) == tensor.data)):
        raise ValueError(f"{tensor.dtype!r} with fractional values where {dtype!r} is expected")


def _move(tensor: Tensor, device: Device | None, dtype: DType | None) -> None:
    tensor._data, tensor._device = convert(tensor, dtype if tensor.dtype.differentiable else None, device)
