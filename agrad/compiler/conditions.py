"""Conditions under which a recorded program is valid for a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from ..core import device as devices
from ..core import dtypes
from ..core.device import Device
from ..core.grad_mode import recording
from ..core.observing import observers
from ..core.tensor import Tensor
from ..ops.journal import changes
from .inputs import Inputs
from .snapshots import Attributes, Bound, Settings, View
from .state import State, is_plain_number

__all__ = ["Conditions"]


class Conditions:
    """The conditions of a program, as source text.

    Attributes
    ----------
    texts : list of str
        Expressions of ``arg0``, ``arg1`` ..., without the conditions of `inputs`.
    names : dict
        The objects that the texts refer to. ``tensor0`` is the first Tensor of the state, ``held[0]`` the set of the
        buffer numbers of all Tensors, and ``settings[0]`` counts the changes of the optimizers' settings.
    """

    def __init__(
        self,
        inputs: Inputs,
        state: State,
        device: Device,
        grads: dict[int, bool],
        views: Sequence[View],
        written: Sequence[int],
    ) -> None:
        self.names: dict[str, Any] = {"recording": recording, "dtypes": dtypes, "observers": observers}
        self.names |= {"opened": devices.opened, "traced": devices.traced}
        self.names |= inputs.names
        self.names["settings"] = [0]
        self._each: list[tuple[str, str | Callable[[], str]]] = [*inputs.structure, *inputs.conditions]
        self._each += [condition for array in inputs.arrays for condition in array.conditions]
        of_inputs = len(self._each)
        self._state, self._device = state, device
        self._add("not observers and not opened.get() and traced.get() is None", "an instrument or a transform")
        self._add(f"recording.get() is {recording.get()}", "no_grad")
        self._add(f"dtypes._default is {self._known(dtypes.get_default_dtype())}", "the default dtype")
        self._current_device()
        self._modules()
        self._optimizers()
        self._tensors(grads, views, written)
        self.texts = [text for text, _ in self._each[of_inputs:]]

    def _current_device(self) -> None:
        entered, outside = devices._entered, devices._process_wide
        self.names |= {"entered": entered, "devices": devices}
        now = "entered.get()[-1][0] if entered.get() else devices._process_wide"
        self._add(f"({now}) is {self._known(entered.get()[-1][0] if entered.get() else outside)}", "the current device")

    def check(self, text: str, about: str) -> None:
        """Add a condition."""
        self._add(text, about)
        self.texts.append(text)

    def _add(self, text: str, about: str | Callable[[], str]) -> None:
        self._each.append((text, about))

    def _known(self, value: Any) -> str:
        name = f"known{len(self.names)}"
        self.names[name] = value
        return name

    def difference(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Return what the first unmet condition is about."""
        given = {"args": args, "kwargs": kwargs} | {f"arg{i}": x for i, x in enumerate(args)}
        for text, about in self._each:
            if not eval(text, self.names, given):
                return about() if callable(about) else about
        return "the answer to a comparison of numbers, the range of values in an argument, or memory that it shares"

    def number(self, index: int) -> str:
        """Return the expression for a number of the state."""
        number = self._state.numbers[index]
        entry = f"{self._known(number.container)}[{number.key!r}]"
        return entry if number.place is None else f"{entry}[{number.place}]"

    # Modules: the same attributes: parameters, buffers, submodules, modes and settings

    def _modules(self) -> None:
        if not self._state.attributes:
            return
        hooks = [held for held, before in self._state.attributes if before and all(type(x) is float for x in before)]
        if hooks:
            self._add(f"list(map(len, {self._known(hooks)})) == {[*map(len, hooks)]!r}", "the hooks of a module")
        attributes = Attributes(self._state.attributes)
        self.names |= {"changes": changes, "attributes": attributes}
        self._add("(changes[0] == attributes.seen or attributes.still_hold())", attributes.difference)
        settings = self._state.settings_of_modules
        if settings:
            self._add(f"{self._known(settings)} == {self._known(deepcopy(settings))}", "a list or dict of a module")

    # Optimizers: the same groups and flags, and valid numbers of the same types

    def _optimizers(self) -> None:
        tensors = {id(x): f"tensor{i}" for i, x in enumerate(self._state.tensors.values())}
        for name, optimizer in self._state.optimizers:
            groups, state = optimizer.param_groups, optimizer.state
            here, listed = self._known(optimizer), self._known(groups)
            self._add(f"{here}.param_groups is {listed} and len({listed}) == {len(groups)}", f"the groups of {name}")
            self._add(f"{here}.state is {self._known(state)}", f"the state of {name}, which was replaced")
            for i, group in enumerate(groups):
                known, params = self._known(group), self._known(group["params"])
                same = [f"{listed}[{i}] is {known} and {known}['params'] is {params}"]
                same += [f"len({params}) == {len(group['params'])}"]
                same += [f"{params}[{j}] is {tensors[id(p)]}" for j, p in enumerate(group["params"])]
                self._add(" and ".join(same), f"the parameters of {name}")
                self._settings(name, optimizer, group)
            if any(state.values()):
                for p in [p for group in groups for p in group["params"]]:
                    self._entries(name, state, p)
            else:
                here = self._known(state)
                self._add(f"(not {here} or not any({here}.values()))", f"the state of {name}")

    def _settings(self, name: str, optimizer: Any, group: dict[str, Any]) -> None:
        checked = Settings(name, optimizer, group, self.names["settings"])
        here, there, known = self._known(checked), self._known(group), self._known(checked.known)
        # Faster than comparing tuples; an equal number that is another object only costs another check.
        same = " and ".join(f"{there}[{key!r}] is {known}[{i}]" for i, key in enumerate(optimizer.defaults))
        self._add(f"(({same or True}) or {here}.still_hold())", checked.difference)

    def _entries(self, name: str, state: dict[Tensor, dict[str, Any]], p: Tensor) -> None:
        """Add the condition that a parameter's state has the same Tensors, and numbers of the same types."""
        if p not in state:
            self._add(f"{self._known(p)} not in {self._known(state)}", f"the state of {name}")
            return
        here, entries = self._known(state[p]), state[p]
        texts = [f"{self._known(state)}.get({self._known(p)}) is {here} and len({here}) == {len(entries)}"]
        for key, value in entries.items():
            if isinstance(value, Tensor):
                texts.append(f"{here}[{key!r}] is {self._known(value)}")
            elif is_plain_number(value):
                texts.append(f"type({here}[{key!r}]) is {type(value).__name__}")
            else:
                texts.append(f"{here}[{key!r}] == {self._known(value)}")
        self._add(" and ".join(texts), f"the state of {name}")

    # Tensors: the same shapes, frozen or not, with or without gradients

    def _tensors(self, grads: dict[int, bool], views: Sequence[View], written: Sequence[int]) -> None:
        tensors = list(self._state.tensors.values())
        device = self._known(self._device)
        for i, (name, x) in enumerate(self._state.tensors.items()):
            self.names[f"tensor{i}"] = x
            same = f"tensor{i}._node is {self._known(x._node)} and tensor{i}._hooks is {self._known(x._hooks)}"
            same += f" and len(tensor{i}._hooks) == {len(x._hooks)}" if x._hooks is not None else ""
            self._add(same, f"whether {name} requires gradients, or its hooks")
            if i in grads:
                there = f"tensor{i}._grad is not None and tensor{i}._grad._device is {device}"
                self._add(there if grads[i] else f"tensor{i}._grad is None", f"whether {name} has a gradient")
        bound = Bound(tensors, self._device, views, written)
        self.names |= {"bound": bound, "last": bound.arrays, "views": bound.views, "held": bound.held}
        if tensors:
            same = " and ".join(f"tensor{i}._data is last[{i}]" for i in range(len(tensors)))
            self._add(f"(({same}) or bound.again())", "the shape, dtype, device or memory of a part of the state")
