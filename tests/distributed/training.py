"""What the tests of training share: a small problem, and training on all of it or on a rank's part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import agrad
from agrad import distributed, nn, optim
from agrad.testing import assert_close

ROWS = 24  # they divide among 2, 3 and 4 processes
EXACT = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}


def problem(*shape: int) -> tuple[Any, Any]:
    """Return the same inputs and targets in all processes."""
    draw = np.random.default_rng(0)
    return draw.standard_normal((ROWS, *shape)), draw.standard_normal((ROWS, 3))


def part(x: Any, whole: bool) -> Any:
    """Return the rows of this process, or all of them."""
    return x if whole else x[distributed.get_rank() :: distributed.get_world_size()]


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


class Training:
    """The training of a model, by this process alone with the whole batch or by all with a part for each.

    Attributes
    ----------
    model, optimizer
    step : callable
        Takes a step on a part of the batch, or on a part of it.
    """

    def __init__(
        self,
        alone: bool,
        make: Callable[[Any], optim.Optimizer],
        dtype: str = "float64",
        build: Callable[[], nn.Module] = mlp,
        compiled: bool = False,
        clip: float | None = None,
        sharded: bool = False,
    ) -> None:
        agrad.manual_seed(0 if alone else distributed.get_rank())  # the others get the model of rank 0
        self.model = build().to(dtype=getattr(agrad, dtype))
        if not alone:
            self.model = distributed.DataParallel(distributed.SyncBatchNorm.convert_sync_batchnorm(self.model))
        self.optimizer = make(self.model.parameters())
        if sharded and not alone:
            self.optimizer = optim.Sharded(self.optimizer)
        self.alone, self.dtype, self.clip = alone, dtype, clip
        self.step = self.eager_step
        if compiled and not alone:
            self.step = agrad.compile(self.eager_step, state=[self.model, self.optimizer], keep_grads=False)

    def eager_step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.backward(x, y)
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        return loss

    def backward(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        loss = scale * nn.functional.mse_loss(self.model(x).astype("float64"), y.astype("float64"))
        loss.backward()
        return loss

    def data(self, *shape: int) -> tuple[Any, Any]:
        x, y = (agrad.asarray(part(array, self.alone)) for array in problem(*shape))
        return x.astype(self.dtype), y.astype(self.dtype)

    def run(self, steps: int = 15, shape: tuple[int, ...] = (5,)) -> Training:
        x, y = self.data(*shape)
        for _ in range(steps):
            self.step(x, y)
        return self


def check_equal(ours: Training, theirs: Training) -> None:
    """Compare the state dicts of the models, and of the optimizers."""
    tolerance = EXACT[theirs.dtype]
    mine, expected = ours.model.state_dict(), theirs.model.state_dict()
    assert list(mine) == list(expected)
    for name in mine:
        assert_close(mine[name], expected[name], rtol=tolerance, atol=tolerance)
    kept, wanted = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    assert kept["param_groups"] == wanted["param_groups"]
    for index, entry in wanted["state"].items():
        assert kept["state"][index].keys() == entry.keys()
        for name, value in entry.items():
            assert_close(kept["state"][index][name], value, rtol=tolerance, atol=tolerance)
