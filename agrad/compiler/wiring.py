"""Wiring: the function for a call, which checks the conditions of a program, runs it and stores its results."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from threading import RLock
from typing import Any, Final

from ..core import tape
from ..core.device import Device
from ..core.tape import wrote, wrote_all
from ..core.tensor import Tensor
from ..random.generators import current
from ..virtual.traced.recording import Call, Variable
from .conditions import Conditions
from .inputs import Array, Inputs
from .program import Program
from .quiet import Quiet
from .record import Place, Recording, filled
from .source import GuardFailed, Source, raise_if_half_written
from .state import State

__all__ = ["MISS", "Wiring"]

_MAX_WRITTEN_OUT: Final = 4  # changed Tensors of the state up to which `wrote_all` is written out
MISS: Final = object()  # another program is needed
_KEPT: Final = 1 << 16  # bytes: larger arguments are not kept until the next call


class Wiring:
    """Builds the Python function for calls of a program.

    Parameters
    ----------
    recorded : Recording
    program : Program
    source : Source
    inputs : Inputs
    state : State
    device : Device

    Attributes
    ----------
    conditions : Conditions
        Under which the program is valid.
    failures : list of Exception
        The error for which the last call returned MISS, if any.
    """

    def __init__(
        self, recorded: Recording, program: Program, source: Source, inputs: Inputs, state: State, device: Device
    ) -> None:
        self._recorded, self._program, self._source, self._inputs = recorded, program, source, inputs
        self._state, self._device = state, device
        self._places = self._slots()
        self._numbered: dict[Variable, str] = {}  # the names of numbers in the text
        places = {start: i for i, (start, _) in enumerate(program.state)}
        views = [(places[start], make) for start, make in source.views.values()]
        written = [i for i in source.changes if i < len(state.tensors)]
        self.conditions = Conditions(inputs, state, device, self._needed_grads(), views, written)
        self.failures: list[Exception] = []
        backend, lock = device.backend, RLock()
        self._names: dict[str, Any] = {
            "MISS": MISS, "GuardFailed": GuardFailed, "failures": self.failures,
            "raise_if_half_written": partial(raise_if_half_written, source.code, source.first_write),
            "acquire": lock.acquire, "release": lock.release, "quiet": Quiet(source.run, backend), "warnings": warnings,
            "Tensor": Tensor, "new": object.__new__,
            "wrote": wrote, "wrote_all": wrote_all, "tape": tape, "tick": tape.tick, "written": tape.written,
            "filled": filled, "buffers": self.conditions.names["bound"].buffers,
            "template": recorded.template, "device": device, "native": device.native, "backend": backend,
            "buffer_of": backend.buffer_of, "generator": lambda: current.get().of(device),
        }  # fmt: skip

    def made(self) -> Callable[..., Any]:
        """Return the function: it takes the positional and the keyword arguments, and may return MISS."""
        lines = [
            *self._condition_lines(),
            *self._locked([*self._number_lines(), *self._call_lines(), *self._result_lines()]),
        ]
        text = "def call(args, kwargs):\n" + "".join(f"    {line}\n" for line in lines)
        known = self.conditions.names | self._names
        exec(compile(text, "<agrad call>", "exec"), known)
        function: Callable[..., Any] = known.pop("call")
        return function

    def _locked(self, lines: list[str]) -> list[str]:
        """Return lines under a lock: two calls at a time would write into the same buffers."""
        if self._source.is_native:
            return lines
        # `with lock` takes twice as long.
        return ["acquire()", "try:", *(f"    {line}" for line in lines), "finally: release()"]

    def check_writable(self) -> None:
        """Add the conditions that arrays may be written to, for compiled loops, which would not ask."""
        names = list(self._state.tensors)
        names += [f"the gradient of {names[i]}" for i in self._recorded.with_grads]
        for i in self._source.changes:
            self.conditions.check(f"{self._places[i]}._data.flags.writeable", f"whether {names[i]} may be written to")

    def check(self, array: Array, call: Call) -> None:
        """Add the condition that the values of an argument are in a range."""
        self.conditions.names["within"] = call.function
        answer = "" if call.outputs[0].value else "not "
        text = f"{answer}within({array.raw}, {call.args[1]!r}, {call.args[2]!r})"
        self.conditions.check(text, f"the range of the values in {array.name}")

    def _slots(self) -> list[str]:
        """Return the expression for the Tensor of each array of the state; a gradient is the ``_grad`` of another."""
        tensors = range(len(self._state.tensors))
        return [f"tensor{i}" for i in tensors] + [f"tensor{i}._grad" for i in self._recorded.with_grads]

    def _needed_grads(self) -> dict[int, bool]:
        """Return which Tensors, by their indices, must have a gradient (True) or must have none (False)."""
        tensors, taken = list(self._state.tensors.values()), set(self._source.takes)
        needed = {i: False for i, x in enumerate(tensors) if x._node is not None}
        starts = [start for start, _ in self._program.state[len(tensors) :]]
        for i, start in zip(self._recorded.with_grads, starts, strict=True):
            needed.pop(i, None)
            needed |= {i: True} if start in taken else {}
        return needed

    def _condition_lines(self) -> list[str]:
        """Return the lines that check the conditions; those on classes come before arrays are read."""
        inputs, texts = self._inputs, self.conditions.texts
        lines = _required(text for text, _ in inputs.structure)
        names = "".join(f"arg{i}, " for i in range(len(inputs.args)))
        lines += [f"{names}= args"] if names else []
        lines += _required(text for text, _ in inputs.conditions)
        for i, x in enumerate(inputs.arrays):
            lines += [f"{x.name}_ = {x.raw}", *self._array_lines(i, x)]
            texts = [text.replace(x.raw, f"{x.name}_") if x.raw.endswith("._data") else text for text in texts]
        return [*lines, *_required(texts)]

    def _array_lines(self, i: int, x: Array) -> list[str]:
        """Return the lines that check an array; a small one that the last call took is not checked again."""
        required = _required(text.replace(x.raw, f"{x.name}_") for text, _ in x.conditions)
        if getattr(x.array, "nbytes", _KEPT + 1) > _KEPT:
            return required
        self._names.setdefault("seen", {})
        self._names["seen"][i] = None
        return [f"if {x.name}_ is not seen[{i}]:", *(f"    {line}" for line in required), f"    seen[{i}] = {x.name}_"]

    def _call_lines(self) -> list[str]:
        """Return the lines that run the program."""
        takes, changes = self._source.takes, self._source.changes
        starts = {start: i for i, (start, _) in enumerate(self._program.state)}
        arrays = dict(zip(self._program.inputs, self._inputs.arrays, strict=True))
        lines: list[str] = []
        given: list[str] = []
        for x in takes:
            if x in arrays:
                if arrays[x].converts(self._device):
                    lines.append(f"{arrays[x].name}_ = backend.asarray({arrays[x].name}_, None, native)")
                if changes and x in self._source.reads_late and not self._device.backend.immutable:
                    lines.append(f"if buffer_of({arrays[x].name}_) in held[0]: return MISS")
                given.append(f"{arrays[x].name}_")
            else:
                given.append(f"{self._places[starts[x]]}._data" if x in starts else self._numbered[x])
        given += [f"views[{i}]" for i in range(len(self._source.views))]
        results = [f"output{i}" for i, x in enumerate(self._program.outputs) if not x.is_number]
        results += [f"grad{i}" for i in range(len(self._program.grads))]
        results += [f"array{i}" for i in changes] if self._device.backend.immutable else []
        lines += ["random = backend.get_state(generator())"] if self._source.draws else []
        back = "backend.set_state(generator(), random); " if self._source.draws else ""
        assigned = f"{', '.join(results)} = " if results else ""
        lines += [
            "run = quiet.run"
            if self._source.is_native
            else "run = quiet.run if warnings.filters and warnings.filters[0] is quiet.first else quiet.quietly",
            f"try: {assigned}run({', '.join(given)})",
            f"except GuardFailed: {back}return MISS",
            f"except Exception as error: raise_if_half_written(error); {back}failures.append(error); return MISS",
        ]
        return lines

    def _number_lines(self) -> list[str]:
        """Return the lines that compute the numbers: if all come from settings, only after a setting has changed."""
        places = {start: i for i, (start, _) in enumerate(self._program.numbers)}
        if self._source.numbers is None:
            return []
        self._names |= {"numbers": self._source.numbers, "kept": [None, -1]}
        taken = [self._state.numbers[places[x]] for x in self._source.takes_numbers]
        given = ", ".join(self.conditions.number(places[x]) for x in self._source.takes_numbers)
        gives = self._source.gives_numbers
        self._numbered.update((x, f"number{i}") for i, x in enumerate(gives))
        named = "".join(f"{self._numbered[x]}, " for x in gives)
        groups = [id(group) for _, optimizer in self._state.optimizers for group in optimizer.param_groups]
        if not all(id(number.container) in groups for number in taken):
            assigned = f"{named}= " if named else ""
            return [f"try: {assigned}numbers({given})", "except GuardFailed: return MISS"]
        lines = [
            "if kept[1] != settings[0]:",
            f"    try: kept[0] = numbers({given})",
            "    except GuardFailed: return MISS",
        ]
        return [*lines, "    kept[1] = settings[0]", *([f"{named}= kept[0]"] if named else [])]

    def _noting_lines(self, changed: list[int]) -> list[str]:
        """Return the lines that count a write to Tensors of the state; without a call, they take half the time."""
        if len(changed) <= _MAX_WRITTEN_OUT:
            return ["now = tape._last_write = tick()", *(f"written[buffers[{i}]] = now" for i in changed)]
        if len(changed) == len(self._state.tensors):
            return ["wrote_all(buffers)"]
        self._names["changed"] = itemgetter(*changed)
        return ["wrote_all(changed(buffers))"]

    def _result_lines(self) -> list[str]:
        """Return the lines that store new state and gradients, and return the outputs."""
        lines = []
        tensors = len(self._state.tensors)
        changed = [i for i in self._source.changes if i < tensors]
        if self._device.backend.immutable:
            lines += [f"{self._places[i]}._data = array{i}" for i in self._source.changes]
        elif changed:
            lines += self._noting_lines(changed)
        if not self._device.backend.immutable:
            lines += [f"wrote({self._places[i]})" for i in self._source.changes if i >= tensors]
        for i, (x, place) in enumerate(self._recorded.grads):
            self._names[f"owner{i}"] = x
            if place is None:
                lines.append(f"owner{i}._grad = None")
            else:
                lines += [*_wrapped("grad", f"grad{place}"), f"owner{i}._grad = grad"]
        for i, (start, end) in enumerate(self._program.numbers):
            if end is not start:
                self._names[f"write{i}"] = self._state.numbers[i].write
                lines.append(f"write{i}({self._numbered[end]})")
        template = self._recorded.template
        outputs = [self._numbered.get(x, f"output{i}") for i, x in enumerate(self._program.outputs)]
        if type(template) is Place:
            wrapped = [] if template.is_number else _wrapped("output", "output0")
            return [*lines, *wrapped, f"return {outputs[0] if template.is_number else 'output'}"]
        values = ", ".join(outputs)
        return [*lines, f"return filled(template, [{values}], device)"]


def _required(texts: Iterable[str]) -> list[str]:
    """Return the line that checks conditions, if there are any."""
    joined = " and ".join(texts)
    return [f"if not ({joined}): return MISS"] if joined else []


def _wrapped(name: str, array: str) -> list[str]:
    """Return the lines of `wrap`, inlined: a small step is then 5 % faster."""
    return [f"{name} = new(Tensor)", f"{name}._data, {name}._device, {name}._node = {array}, device, None"]
