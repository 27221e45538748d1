"""Training steps, run as they are and under `agrad.compile`, and compared: on NumPy bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import agrad
from agrad.transforms.pytrees import flatten
from tests.cupy_on_cpu.trace import is_emulated


def arrays(tree: Any) -> list[Any]:
    """Return the Tensors of a pytree as NumPy arrays, and what else it holds."""
    return [x.detach().numpy() if isinstance(x, agrad.Tensor) else x for x in flatten(tree)]


def contents(item: Any) -> Any:
    """Return all that a module or an optimizer holds, gradients too."""
    if isinstance(item, agrad.nn.Module):
        grads = {name: p.grad for name, p in item.named_parameters()}
        return [dict(item.state_dict()), grads]
    return item.state_dict() if hasattr(item, "state_dict") else item


def compare(got: Any, expected: Any, jit: str | None = None) -> None:
    """Compare pytrees: bit for bit, but on jax and with `jit`, whose compilers compute in another order.

    On a GPU, cuBLAS may take other algorithms in a graph.
    """
    kind = agrad.get_device().kind
    tolerance = 1e-4 if jit or kind == "jax" or (kind == "cuda" and not is_emulated()) else 0.0
    got, expected = arrays(got), arrays(expected)
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        if isinstance(other, np.ndarray):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            size = np.max(np.abs(other), initial=1.0, where=np.isfinite(other))  # of the terms of sums
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * size)
        else:
            assert one == other or (one != one and other != other)


def run_both(
    make: Callable[[], tuple[Callable[..., Any], list[Any]]],
    inputs: Callable[[int], tuple[Any, ...]],
    steps: int = 20,
    between: Callable[[list[Any], int], None] = lambda state, i: None,
    most: int = 3,
    jit: str | None = None,
) -> Any:
    """Run steps as they are and compiled, compare results and state after each, and return the compiled function.

    `make` returns a step and its state, made anew from the same seed; `inputs` returns the arguments of the i-th step;
    `between` is called with the state after each. The step is recorded `most` times at most.
    """
    sides = []
    step: Any
    for compiled in (False, True):
        agrad.manual_seed(7)
        step, state = make()
        step = agrad.compile(step, state=state, jit=jit) if compiled else step
        agrad.manual_seed(8)
        results = []
        for i in range(steps):
            result = step(*inputs(i))
            results.append([arrays(result), [arrays(contents(item)) for item in state]])
            between(state, i)
        results.append(agrad.rand(3))  # the same numbers were drawn
        sides.append(results)
    for i, (expected, got) in enumerate(zip(*sides, strict=True)):
        try:
            compare(got, expected, jit)
        except AssertionError as error:
            raise AssertionError(f"step {i}: {error}") from error
    assert "raised" not in step.explain(), step.explain()
    assert len(step.explain().splitlines()) - 1 <= most, step.explain()
    return step
