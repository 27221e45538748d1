"""The base class of optimizers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, ClassVar, Final

from ..backends import UnknownValueError, is_number
from ..checks import check_flags_of
from ..core.device import Device, traced
from ..core.grad_mode import enable_grad
from ..core.tape import wrote
from ..core.tensor import Tensor, convert, wrap
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..ops.data_type import HALVES, promote_half

__all__ = ["Optimizer"]

# The keys that a group may have besides its settings: names, and the entries that schedulers store.
ALLOWED: Final = frozenset(
    {"base_momentum", "initial_lr", "max_lr", "max_momentum", "min_lr", "name", "param_names", "params"}
)
EXPECTED: Final = "params must be a list of Tensors or of dicts"
OWN: Final = {"params", "param_names"}  # the entries of a group that loading a state dict does not replace
REAL_OF: Final = {"complex64": "float32", "complex128": "float64"}


class Optimizer:
    """Base class of optimizers: it holds the parameter groups and the state, and updates each parameter.

    A subclass passes its settings on as `defaults` and defines `update`; it checks its settings in `check`.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The leaf Tensors to update, or (name, Tensor) pairs as from ``model.named_parameters()``; or parameter groups,
        each a dict with ``"params"`` and settings of its own.
    defaults : dict
        The default settings, for groups that do not set their own.

    Attributes
    ----------
    param_groups : list of dict
        The parameter groups: ``"params"`` and the settings, which may be changed between steps.
    state : dict
        The state of each parameter: a dict of Tensors and numbers.
    has_stepped : bool
        Whether `step` has been called; a scheduler's `step` must come after it.
    coordinatewise : bool
        Class attribute: whether `update` is elementwise. If so, a complex parameter is passed to it as a real array
        whose last axis of length 2 holds the real and imaginary parts.

    Raises
    ------
    ValueError
        If there are no parameters, if one is given twice, is not a leaf that requires a gradient or is read-only, or
        if a group has an unknown setting.
    TypeError
        If `params` holds anything but Tensors, or a setting has the wrong type.

    Notes
    -----
    A 16-bit parameter has float32 *master weights*, the entry ``"master"`` of its state: they are updated, and the
    parameter is what they round to. Otherwise updates below half a unit in the last place, of about 3 digits, would
    be lost. The rest of its state is float32 too, because in float16 squares of gradients and an `eps` of 1e-8
    underflow to 0.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn, optim
    >>> class SignDescent(optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def update(self, x, g, state, group, device):
    ...         return device.backend.add_scaled(x, device.xp.sign(g), -group["lr"])
    >>> w = nn.Parameter([1.0, -1.0])
    >>> optimizer = SignDescent([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.tolist()
    [0.5, -0.5]
    """

    coordinatewise: ClassVar[bool] = False
    _formula: ClassVar[str] = ""  # what `update` computes, by its name among the `formulas` of backends
    param_groups: list[dict[str, Any]]
    state: defaultdict[Tensor, dict[str, Any]]

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        check_flags_of(type(self).__init__, defaults)
        self.check(defaults)
        self.defaults = defaults
        self.param_groups = []
        self.state = defaultdict(dict)
        self.has_stepped = False
        self._checked: dict[int, list[Any]] = {}  # by id of the group: its settings when they were last checked
        # By parameter: its device's name and its dtype at its last update, and the method that updates it, None for
        # `update`.
        self._kinds: dict[Tensor, tuple[tuple[str, Any], Any]] = {}
        given = _listed(params, "the optimizer was given")
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "update" in vars(cls) and "_formula" not in vars(cls):
            cls._formula = ""  # a new `update` does not compute the formula of the class above

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add a parameter group.

        Parameters
        ----------
        param_group : dict
            ``"params"``, a Tensor, a list of Tensors or of (name, Tensor) pairs, and settings that differ from the
            defaults.

        Raises
        ------
        ValueError, TypeError
            As `Optimizer`; the groups are unchanged then.

        Examples
        --------
        >>> from agrad import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter(1.0)], lr=0.1)
        >>> optimizer.add_param_group({"params": [nn.Parameter(2.0)], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            raise TypeError(f"a parameter group must be a dict with an entry 'params', not {param_group!r}")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else _listed(params, "the parameter group has")
        if all(isinstance(p, tuple) and len(p) == 2 for p in params):
            names, params = map(list, zip(*params, strict=True))
            param_group = {**param_group, "param_names": names}
        taken = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            _check_parameter(p)
            if id(p) in taken:
                raise ValueError(f"a parameter of shape {p.shape} is given to the optimizer twice")
            taken.add(id(p))
        if unknown := sorted(param_group.keys() - self.defaults.keys() - ALLOWED):
            raise ValueError(
                f"{type(self).__name__} has no setting {', '.join(map(repr, unknown))}; they are "
                f"{sorted(self.defaults)}"
            )
        group = {**self.defaults, **param_group, "params": params}
        check_flags_of(type(self).__init__, group)
        self.check(group)
        self.param_groups.append(group)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise ValueError or TypeError for invalid settings; a subclass may define it."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters to None, or to zero if not `set_to_none`."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                else:
                    p.zero_grad(False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Evaluates the model again: computes the loss and its gradients, and returns the loss.

        Returns
        -------
        Any
            The loss that the closure returned, or None.

        Raises
        ------
        ValueError, TypeError
            If a setting of a group was changed to an invalid value.
        """
        loss = None
        if traced.get() is not None:
            self._check_is_recorded()
        self.has_stepped = True
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._check_changes(group)
            for device, params in groupby(group["params"], attrgetter("_device")):
                with device.backend.activate(device.native):
                    for p in self._update_fused(params, group, device) if device.backend.formulas else params:
                        if p._grad is not None:
                            self._step(p, group, device)
                if device.backend.lazy:
                    self._materialize(group["params"], device)
        return loss

    def _materialize(self, params: Sequence[Tensor], device: Device) -> None:
        """Make a lazy library compute the parameters on a device, and their state."""
        kept = [value for p in params for value in (p, *self.state[p].values())]
        tensors = [x for x in kept if isinstance(x, Tensor) and x._device is device]
        for tensor, array in zip(tensors, device.backend.materialize([x._data for x in tensors]), strict=True):
            tensor._data = array

    def _check_is_recorded(self) -> None:
        """Raise UnknownValueError unless this optimizer is in the state of the function under `agrad.compile`."""
        stand_in: Any = traced.get()
        if not any(optimizer is self for optimizer in stand_in.native.optimizers):
            raise UnknownValueError(
                f"{type(self).__name__}.step() under agrad.compile changes an optimizer that is not in the state; "
                "write agrad.compile(step, state=[model, optimizer])"
            )

    def _check_changes(self, group: dict[str, Any]) -> None:
        """Check the settings of a group if they have changed since the last check."""
        if list(group.values()) != self._checked.get(id(group)):  # the same objects are equal without a comparison
            self._check_group(group)

    def _check_group(self, group: dict[str, Any]) -> None:
        """Check the settings of a group, and turn NumPy's scalars among them into Python's numbers."""
        check_flags_of(type(self).__init__, group)
        self.check(group)
        # An update by a scalar of float64 would compute in float64, for parameters of float32 too.
        group.update({key: value.item() for key, value in group.items() if is_number(value)})
        self._checked[id(group)] = list(group.values())

    def _update_fused(self, params: Iterable[Tensor], group: dict[str, Any], device: Device) -> Iterable[Tensor]:
        """Update parameters in one kernel, if the device has one; return the parameters left to update one by one.

        Left are parameters without state, and those of a dtype or in a layout that the kernel does not support.
        """
        if self._formula not in device.backend.formulas:
            return params
        fitting, left = self._with_state([p for p in params if p._grad is not None], group, device)
        for step, members in fitting:
            rows = [_row(p, kept) for p, kept in members]
            settings = self._fused_settings(step + 1, group)
            updated = device.backend.update_many(self._formula, rows, settings)
            for (p, kept), (new, _, *state) in zip(members, updated, strict=True):
                in_place = new is p._data
                for x, array in zip((p, *kept), (new, *state), strict=True):
                    if x is not None:
                        x._data = array
                if in_place:
                    wrote(p)
                if "step" in self.state[p]:
                    self.state[p]["step"] = step + 1
        return left

    def _with_state(
        self, params: list[Tensor], group: dict[str, Any], device: Device
    ) -> tuple[list[tuple[Any, list[tuple[Any, list[Any]]]]], list[Tensor]]:
        """Return by their step counts the parameters that have all state of the formula, with it; and the others.

        The first entry of the state is the master weights, or None.
        """
        found: list[tuple[Any, list[tuple[Any, list[Any]]]]] = []
        left = []
        for p in params:
            (_, method), state = self._kind(p, device), self.state[p]
            kept, step = [state.get(name) for name in self._state_names(group)], state.get("step", 0)
            supported = method is None or (method is Optimizer._update_wide and "master" in state)
            kept = [None if method is None else state.get("master"), *kept]
            if supported and None not in kept[1:] and not isinstance(step, Tensor) and _fits(p, kept):
                alike = next((members for known, members in found if known == step), None)
                if alike is None:
                    found.append((step, alike := []))
                alike.append((p, kept))
            else:
                left.append(p)
        return found, left

    def _state_names(self, group: dict[str, Any]) -> Sequence[str]:
        """Return the names of the state that the formula takes, in its order."""
        return ()

    def _fused_settings(self, step: int, group: dict[str, Any]) -> Sequence[float]:
        """Return the settings that the formula takes at a step, in its order."""
        return ()

    def _step(self, p: Tensor, group: dict[str, Any], device: Device) -> None:
        """Update a parameter."""
        old, gradient = p._data, p._grad._data  # type: ignore[union-attr]
        known = self._kinds.get(p)
        if known is None or known[0] != (device.name, old.dtype):
            known = self._kind(p, device)
        if known[1] is None:
            p._data = self.update(old, gradient, self.state[p], group, device)
        else:
            p._data = known[1](self, old, gradient, self.state[p], group, device)
        if p._data is old:
            wrote(p)

    def _kind(self, p: Tensor, device: Device) -> Any:
        """Return the device and dtype of a parameter, which its state follows, and its `_special_update`."""
        kind = (device.name, p._data.dtype)
        known = self._kinds.get(p)
        if known is None or known[0] != kind:
            self._follow(p)
            known = self._kinds[p] = kind, self._special_update(p)
        return known

    def _special_update(self, p: Tensor) -> Any:
        """Return the method that calls `update` for a 16-bit or complex parameter; None if `update` takes it as is."""
        if p.dtype.name in HALVES:
            return Optimizer._update_wide
        return Optimizer._update_parts if self.coordinatewise and p.dtype.is_complex else None

    def _follow(self, p: Tensor) -> None:
        """Move the state of a parameter to its device and dtype, which may have changed since its last update."""
        self.state[p].update({name: _converted(value, p) for name, value in self.state[p].items()})

    def update(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Return a parameter's new array; a subclass defines it.

        Parameters
        ----------
        x, g : array
            The parameter and its gradient, arrays of the device's library. `x` may be changed in place if the backend
            can do so, `g` may not.
        state : dict
            The state of this parameter, kept between calls: Tensors and numbers.
        group : dict
            The settings.
        device : Device
            The device of the arrays: ``device.xp`` is their namespace, ``device.backend`` writes in place.

        Returns
        -------
        array
            The new value: `x` itself if it was changed in place.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update(); see the example of optim.Optimizer")

    def _update_parts(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Update a complex parameter as a real array of its real and imaginary parts."""
        xp = device.xp
        parts, slopes = (xp.stack([xp.real(z), xp.imag(z)], axis=-1) for z in (x, g))
        parts = xp.astype(self.update(parts, slopes, state, group, device), x.dtype)
        return device.backend.fill(x, parts[..., 0] + 1j * parts[..., 1])

    def _update_wide(self, x: Any, g: Any, state: dict[str, Any], group: dict[str, Any], device: Device) -> Any:
        """Update the float32 master weights of a 16-bit parameter, and return them rounded."""
        xp = device.xp
        master = promote_half(xp, x)
        if "master" in state:  # a parameter that was written to since replaces its master weights
            kept = state["master"]._data
            master = xp.where(xp.astype(kept, x.dtype) == x, kept, master)
        master = self.update(master, promote_half(xp, g), state, group, device)
        if "master" in state:
            state["master"]._data = master  # the same Tensor, to which a compiled step writes
        else:
            state["master"] = wrap(master, device)
        return device.backend.assign(x, (...,), xp.astype(master, x.dtype))

    # Saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Return the state and the settings as nested dicts, with parameters replaced by their indices.

        The dicts are copies, but the arrays are not, as in PyTorch: the next step changes them in place. Write
        ``copy.deepcopy(optimizer.state_dict())`` for a snapshot.

        Returns
        -------
        dict
            ``"state"``, from index to the state of a parameter, and ``"param_groups"``.

        Examples
        --------
        >>> from agrad import nn, optim
        >>> optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1).state_dict()["param_groups"][0]["params"]
        [0, 1]
        """
        index = {id(p): i for i, p in enumerate(self._parameters())}
        return {
            "state": {index[id(p)]: dict(state) for p, state in self.state.items() if state},
            "param_groups": [
                {**group, "params": [index[id(p)] for p in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the state and the settings from a `state_dict`, copied to the parameters' devices.

        Raises
        ------
        ValueError
            If the groups, parameter counts, settings or shapes differ, or if an array is not a Tensor.
        ValueError, TypeError
            If a setting is invalid, as `Optimizer`. After an error nothing is changed.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError(
                "the state dict of an optimizer must be a dict with 'state' and 'param_groups', as from state_dict()"
            )
        groups, entries = state_dict["param_groups"], state_dict["state"]
        if not isinstance(groups, (list, tuple)) or not all(isinstance(g, Mapping) and "params" in g for g in groups):
            raise ValueError("the param_groups of a state dict must be a list of dicts with an entry 'params'")
        if not isinstance(entries, Mapping) or not all(isinstance(entry, Mapping) for entry in entries.values()):
            raise ValueError("the state in a state dict must be a dict of dicts")
        sizes, expected = ([len(group["params"]) for group in side] for side in (groups, self.param_groups))
        if sizes != expected:
            raise ValueError(f"the state dict has groups of {sizes} parameters, this optimizer of {expected}")
        if missing := sorted({name for group in groups for name in self.defaults.keys() - group.keys()}):
            raise ValueError(
                f"the state dict lacks {missing}; is it from another optimizer than {type(self).__name__}?"
            )
        saved = [index for group in groups for index in group["params"]]
        by_index = dict(zip(saved, self._parameters(), strict=True))
        if unknown := [index for index in entries if index not in by_index]:
            raise ValueError(f"the state dict has a state for parameters {unknown}, which are in none of its groups")
        for index, entry in entries.items():
            self._check_state(entry, by_index[index])
        state = {
            by_index[index]: {name: _converted(value, by_index[index]) for name, value in entry.items()}
            for index, entry in entries.items()
        }
        own = [{name: group[name] for name in group.keys() & OWN} for group in self.param_groups]
        loaded = [{**new, **old} for new, old in zip(groups, own, strict=True)]
        for group in loaded:
            self.check(group)
        self.state = defaultdict(dict, state)
        self.param_groups = loaded

    def _check_state(self, entry: Mapping[str, Any], p: Tensor) -> None:
        shapes = self._shapes(p)
        for name, value in entry.items():
            if hasattr(value, "shape") and not isinstance(value, Tensor):
                raise ValueError(
                    f"{name} in the state must be a Tensor, not a {type(value).__name__}; write agrad.asarray(x)"
                )
            if isinstance(value, Tensor) and shapes and value.shape not in shapes:
                raise ValueError(f"{name} in the state has shape {value.shape}, but its parameter has shape {p.shape}")

    def _shapes(self, p: Tensor) -> list[tuple[int, ...]]:
        """Return the shapes that Tensors in a parameter's state may have; an empty list allows any."""
        if not self.coordinatewise:
            return []
        return [(), (*p.shape, 2) if p.dtype.is_complex else p.shape]

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return f"{type(self).__name__} (\n" + "\n".join(lines) + "\n)"


def _listed(params: Any, who: str) -> list[Any]:
    """Return parameters or groups as a list; TypeError for a set and what is not iterable, ValueError if empty."""
    if isinstance(params, (set, frozenset)):
        raise TypeError("params must have an order, which a set does not have; write a list")
    if isinstance(params, (Tensor, Mapping)):
        raise TypeError(f"{EXPECTED}, not a {type(params).__name__}; write [...] around it")
    if isinstance(params, Module) or not isinstance(params, Iterable):
        given = f"a {type(params).__name__}" if isinstance(params, Module) else repr(params)
        raise TypeError(f"{EXPECTED}, not {given}; write model.parameters()")
    if found := list(params):
        return found
    raise ValueError(
        f"{who} no parameters; does the model have any? It does not find layers in a Python list or dict: write "
        "nn.ModuleList(layers) or nn.ModuleDict(layers). A generator such as model.parameters() is used up after one "
        "pass: call it again for each optimizer"
    )


def _row(p: Tensor, kept: Sequence[Any]) -> list[Any]:
    """Return the arrays of a parameter, its gradient and its state."""
    return [None if x is None else x._data for x in (p, p._grad, *kept)]


def _fits(p: Tensor, kept: Sequence[Any]) -> bool:
    return p._device.backend.can_update(_row(p, kept))


def _check_parameter(p: Any) -> None:
    if not isinstance(p, Tensor):
        raise TypeError(f"an optimizer updates Tensors, not {type(p).__name__}; write model.parameters()")
    if not p.is_leaf:
        raise ValueError(
            "an optimizer updates leaves, not Tensors computed from others; write x.detach() for a new leaf"
        )
    if not p.requires_grad and not isinstance(p, Parameter):
        raise ValueError(
            "an optimizer updates Tensors that require a gradient, which this one does not; write x.requires_grad_()"
        )
    if not p._device.backend.is_writable(p._data):
        raise ValueError(
            f"a Tensor of shape {p.shape} cannot be updated: its memory is read-only, or its elements share it; "
            "write agrad.tensor(x, requires_grad=True) for a copy"
        )


def _converted(value: Any, p: Tensor) -> Any:
    """Return a copy of a value of a parameter's state, on the parameter's device and in the dtype of its updates."""
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(x, p) for x in value)
    if not isinstance(value, Tensor):
        return value
    dtype: Any = None
    if p.dtype.differentiable and value.dtype.differentiable:
        dtype = p.dtype if value.dtype.is_complex == p.dtype.is_complex else REAL_OF.get(p.dtype.name, value.dtype)
        dtype = "float32" if p.dtype.name in HALVES else dtype
    return wrap(*convert(value, dtype, p.device, copy=True))
