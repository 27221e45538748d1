"""compile: a function whose first call is recorded as a program, which later calls run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial, update_wrapper
from threading import RLock
from types import MethodType
from typing import Any, Final, NoReturn

from ..checks import check_callable, check_flags
from ..core.device import Device, get_device, opened, traced
from ..core.errors import describe
from ..core.observing import observers
from ..core.tensor import Tensor
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from .entry import Entry, Lowered
from .inputs import Inputs
from .program import Program
from .record import Recording, record
from .state import State
from .wiring import MISS

__all__ = ["Compiled", "compile"]

_MAX_PROGRAMS: Final = 8  # that a function keeps
_MAX_REASONS: Final = 20  # that `explain` shows


def compile(
    f: Callable[..., Any] | None = None, /, *, state: Any = (), keep_grads: bool = True, jit: str | None = None
) -> Any:
    """Return a compiled version of `f`: its array calls, recorded once and run without agrad's ops and tape.

    The first call runs `f` and records every call of the array library: forward, backward and the optimizer's step.
    Later calls run this list. It can also be written as a decorator:
    ``@agrad.compile(state=[model, optimizer])``.

    Parameters
    ----------
    f : callable
        A function of Tensors, arrays and constants, also in pytrees, or a `Module`. It may contain any Python that does
        not read the values of arrays. It gets arrays of other libraries as Tensors.
    state : Module, Optimizer, Tensor, or a list of them
        Everything that `f` reads or changes besides its arguments. If `f` is a Module, it is a part of the state.
    keep_grads : bool
        Whether Tensors of the state have their new gradients in ``.grad`` after a call, as after a call of `f`.
        Otherwise they have None, which saves time and memory if nothing reads gradients between calls.
    jit : None or "numba"
        What compiles the program to machine code. By default NumPy's functions are called one by one. ``"numba"``
        compiles them to loops, on the device ``"cpu"`` and with the extra ``fast``; the results then agree up to
        rounding. Compiling takes seconds for each program; the machine code is cached on disk.

    Returns
    -------
    Compiled
        Takes the arguments of `f`. Each call, the first too, returns the same result as `f`, in Tensors without
        history. Arguments of other shapes, dtypes, structures or constants, and modules in another mode, are recorded
        as further programs.

    Raises
    ------
    UnknownValueError
        By a call, if `f` reads values: ``x.item()``, ``float(x)``, ``if x > 0``, ``x[x > 0]``; if it uses an array
        that is neither an argument nor part of the state; or if it changes settings, as ``scheduler.step()`` does.
        The message names the line. The call then has changed nothing.
    ValueError
        By a call, if an argument requires gradients, or is on another device.
    NotImplementedError
        By a call, if `jit` has no loops for an op, which the message names with its line, or for the device.
    TypeError
        If `state` holds anything but Modules, Optimizers and Tensors.

    Notes
    -----
    What `f` does besides computing, such as printing and counting, happens when it is recorded and not again. Numbers
    of an optimizer, such as the learning rate, may change between calls; those in closures and globals may not.

    Examples
    --------
    >>> import agrad
    >>> from agrad import nn, optim
    >>> model = nn.Linear(1, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> @agrad.compile(state=[model, optimizer])
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> x, y = agrad.asarray([[0.0], [1.0]]), agrad.asarray([[1.0], [3.0]])
    >>> losses = [step(x, y) for _ in range(200)]
    >>> losses[-1].item() < 1e-3
    True
    """
    if f is None:
        return partial(compile, state=state, keep_grads=keep_grads, jit=jit)
    check_callable("agrad.compile", f, "write agrad.compile(f, state=[...])")
    check_flags(keep_grads=keep_grads)
    single = isinstance(state, (Module, Tensor, Mapping, str)) or not isinstance(state, Iterable)
    items = [state] if single else list(state)
    if isinstance(f, Module) and not any(item is f for item in items):
        items = [f, *items]
    for item in items:
        if not isinstance(item, (Module, Optimizer, Tensor)):
            raise TypeError(
                f"state=[...] takes modules, optimizers and Tensors, not {describe(item)}; what a scheduler "
                "changes between calls need not be named"
            )
    if jit not in (None, "numba"):
        raise ValueError(f'jit is None or "numba", not {jit!r}')
    return Compiled(f, items, keep_grads, jit)


class Compiled:
    """A function under `agrad.compile`.

    Attributes
    ----------
    source : str
        The program of the last call, in Python.
    program : Program
        Its calls, which `agrad.draw` draws.
    """

    def __init__(self, f: Callable[..., Any], items: list[Any], keep_grads: bool, jit: str | None) -> None:
        self.__name__ = type(f).__name__.lower()
        update_wrapper(self, f)
        self._f, self._items, self._keep_grads, self._jit = f, _named(f, items), keep_grads, jit
        self._entries: list[Entry] = []  # the one used last comes first
        self._run: Callable[..., Any] = lambda args, kwargs: MISS  # the `run` of the first entry
        self._recorded = 0  # how often
        self._reasons: deque[str] = deque(maxlen=_MAX_REASONS)  # why, the last times
        self._lock = RLock()  # one thread at a time records programs and reorders them

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result of the function, by a program that was recorded for such arguments, or else a new one.

        Inside `vmap`, another compiled function, `agrad.profile` or `agrad.autocast`, the function itself runs.
        """
        run = self._run
        result = run(args, kwargs)
        return self._run_another(run, args, kwargs) if result is MISS else result

    def _run_another(self, tried: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a call whose conditions the program used last does not meet."""
        if observers or opened.get() or traced.get() is not None:
            return self._f(*args, **kwargs)
        with self._lock:
            for entry in self._entries:
                result = MISS if entry.run is tried else entry.run(args, kwargs)
                if result is not MISS:
                    self._entries.remove(entry)
                    self._put_first(entry)
                    return result
            return self._record(args, kwargs)

    def _put_first(self, entry: Entry) -> None:
        self._entries.insert(0, entry)
        self._run = entry.run

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the method of an object, where a class defines a method that is compiled."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a compiled function cannot be copied or pickled, because its programs belong to the Tensors of its state; "
            "compile the function again where it is needed"
        )

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"a compiled function has no attribute {name!r}; if it is one of the model, read it from the model",
            name=name,
            obj=self,
        )

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function, and keep its program as the first entry."""
        for _, item in self._items:
            for group in item.param_groups if isinstance(item, Optimizer) else ():
                item._check_group(group)  # before traced numbers replace its numbers
        inputs, state = Inputs(self._f, args, kwargs), State(self._items, _used(self._f).values())
        device = next((x._device for x in state.tensors.values()), None) or inputs.device() or get_device()
        reason = self._entries[0].difference(args, kwargs) if self._entries else self._first_reason()
        device.backend.require_compiler(self._jit)
        recording, exchange, lowered = record(self._f, inputs, state, device, partial(self._lower, state, device))
        exchange.finish()
        self._recorded += 1
        self._reasons.append(reason)
        if lowered is not None:
            self._put_first(Entry(recording, lowered, inputs, state, device))
            del self._entries[_MAX_PROGRAMS:]
        return recording.result

    def _lower(self, state: State, device: Device, recording: Recording) -> Lowered | None:
        """Return the lowered program; None if no later call can use it.

        That is so if the call added Tensors to the state, or an argument shares memory with the state.
        """
        if not self._keep_grads:
            recording.drop_grads()
        lowered = Lowered(recording, len(state.tensors), device, self.__name__, self._jit)
        if State(self._items).tensors.keys() != state.tensors.keys() or recording.shares_memory:
            return None
        lowered.source.make()
        return lowered

    def _first_reason(self) -> str:
        if not self._reasons:
            return "the first call"
        return "the call before made new state, as optimizers do at first, or an argument shared memory with the state"

    @property
    def source(self) -> str:
        """The program of the last call, as Python source; RuntimeError before the first call."""
        return self._first().source

    @property
    def program(self) -> Program:
        """The program of the last call, which `agrad.draw` draws; RuntimeError before the first call."""
        return self._first().program

    def _first(self) -> Entry:
        if not self._entries:
            raise RuntimeError("there is no program yet: call the function first, twice if it has an optimizer")
        return self._entries[0]

    def explain(self) -> str:
        """Return how often the function was recorded, and why, for the last 20 times.

        Examples
        --------
        >>> import agrad
        >>> f = agrad.compile(lambda x: 2 * x)
        >>> for n in (2, 3, 2):
        ...     y = f(agrad.ones(n))
        >>> print(f.explain())
        recorded 2 times
          1: the first call
          2: x was (2,) float32 before
        """
        times = f"{self._recorded} time{'s' * (self._recorded != 1)}"
        first = self._recorded - len(self._reasons) + 1
        return "\n".join([f"recorded {times}", *(f"  {i}: {why}" for i, why in enumerate(self._reasons, first))])

    def __repr__(self) -> str:
        return f"agrad.compile({self.__name__}), {len(self._entries)} programs"


def _used(f: Callable[..., Any]) -> dict[str, Any]:
    """Return the objects in a function's closure, and the globals that it uses, by their names."""
    code, cells = getattr(f, "__code__", None), getattr(f, "__closure__", None) or ()
    around = getattr(f, "__globals__", {})
    found = {name: around[name] for name in getattr(code, "co_names", ()) if name in around}
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    return found


def _named(f: Callable[..., Any], items: list[Any]) -> list[tuple[str, Any]]:
    """Return the items of the state with the names that the function knows them by."""
    names = {id(value): name for name, value in _used(f).items()}
    return [(names.get(id(item), type(item).__name__.lower()), item) for item in items]
