"""A first check of a GPU, in half a minute: each kind of computation, compared with its result on the CPU.

    python -m benchmarks.gpu.sanity

Prints a line per check, and ends with status 1 if one of them fails.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

import agrad
from agrad import nn, optim
from agrad.nn import functional as F
from agrad.testing import assert_close

_RANDOM: Final = np.random.default_rng(0)
_MATRIX: Final = _RANDOM.standard_normal((64, 48)).astype(np.float32)
_SQUARE: Final = (_MATRIX[:, :40] @ _MATRIX[:, :40].T / 40 + np.eye(64)).astype(np.float64)
_IMAGES: Final = _RANDOM.standard_normal((4, 3, 12, 12)).astype(np.float32)
_LABELS: Final = _RANDOM.integers(0, 5, 64)


def on_both(compute: Callable[[], Any], tolerance: float = 1e-5) -> None:
    """Call a function on the CPU and on the GPU; AssertionError if their results differ."""
    results = []
    for name in ("cpu", "cuda"):
        with agrad.Device(name):
            results.append([x.to("cpu") for x in compute()])
    for expected, found in zip(*results, strict=True):
        assert_close(found, expected.numpy(), rtol=tolerance, atol=tolerance)


def check_elementwise() -> None:
    """Values and gradients of small functions."""
    on_both(lambda: agrad.value_and_grad(lambda x: (agrad.tanh(x) * agrad.exp(-x * x) + agrad.sqrt(x * x + 1)).sum())(
        agrad.asarray(_MATRIX)
    ), 1e-4)  # fmt: skip


def check_reductions() -> None:
    """Sums, extrema, sorts and cumulative sums."""

    def compute() -> list[agrad.Tensor]:
        x = agrad.asarray(_MATRIX)
        return [x.sum(axis=0), x.mean(), x.var(axis=1), x.max(axis=1), agrad.argmax(x, axis=0), agrad.sort(x, axis=0),
                agrad.cumulative_sum(x, axis=1)]  # fmt: skip

    on_both(compute, 1e-4)


def check_indexing() -> None:
    """Gathering with repeated indices, and its gradients, which are sums."""

    def compute() -> list[agrad.Tensor]:
        index = agrad.asarray(np.asarray([3, 1, 3, -1]))
        x = agrad.asarray(_MATRIX, requires_grad=True)
        (x[index] * x[:4] + agrad.take(x, index, axis=1).sum()).sum().backward()
        return [x.grad, agrad.where(x > 0, x, 0.0).detach()]  # type: ignore[list-item]

    on_both(compute, 1e-4)


def check_linear_algebra() -> None:
    """Products, the solution of equations, decompositions, and their gradients."""

    def f(a: agrad.Tensor) -> agrad.Tensor:
        solution = agrad.linalg.solve(a, a[:, 0])
        return solution.sum() + agrad.linalg.slogdet(a).logabsdet + agrad.linalg.eigvalsh(a).max()

    on_both(lambda: agrad.value_and_grad(f)(agrad.asarray(_SQUARE)), 1e-8)


def check_second_order() -> None:
    """A Hessian-vector product."""

    def f(x: agrad.Tensor) -> agrad.Tensor:
        return (F.softplus(x @ x.mT) ** 2).mean()

    on_both(lambda: agrad.hvp(f, (agrad.asarray(_MATRIX),), (agrad.ones((64, 48)),)), 1e-4)


def check_convolution() -> None:
    """A convolution, batch normalization and pooling, with the gradients of the input and the weights."""

    def compute() -> list[agrad.Tensor]:
        agrad.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        draw = np.random.default_rng(1)
        for p in model.parameters():
            p.data = agrad.asarray(draw.standard_normal(p.shape).astype(np.float32)).data
        x = agrad.asarray(_IMAGES, requires_grad=True)
        (model(x) ** 2).sum().backward()
        return [x.grad, *(p.grad for p in model.parameters())]  # type: ignore[list-item]

    on_both(compute, 2e-3)


def check_training() -> None:
    """Twenty steps of each optimizer from the same weights."""

    def compute() -> list[agrad.Tensor]:
        draw, losses = np.random.default_rng(2), []
        for make in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop):
            model = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 5))
            for p in model.parameters():
                p.data = agrad.asarray((draw.standard_normal(p.shape) / 5).astype(np.float32)).data
            optimizer = make(model.parameters(), lr=0.01)
            x, y = agrad.asarray(_MATRIX), agrad.asarray(_LABELS)
            for _ in range(20):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
            losses.append(loss.detach())
        return losses

    on_both(compute, 1e-3)


def check_random() -> None:
    """The same seed gives the same numbers, with the right mean and variance."""
    with agrad.Device("cuda"):
        agrad.manual_seed(3)
        first = agrad.randn((1000, 1000))
        agrad.manual_seed(3)
        assert_close(agrad.randn((1000, 1000)), first.numpy(), rtol=0, atol=0)
        assert abs(first.mean().item()) < 0.005
        assert abs(first.var().item() - 1) < 0.01


def check_half() -> None:
    """float16: a mean whose sum float16 could not count, and a training step under autocast."""
    with agrad.Device("cuda"):
        assert agrad.ones(4096, dtype=agrad.float16).mean().item() == 1.0
        model = nn.Linear(48, 5)
        with agrad.autocast(dtype=agrad.float16):
            loss = F.cross_entropy(model(agrad.asarray(_MATRIX)), agrad.asarray(_LABELS))
        loss.backward()
        assert all(agrad.isfinite(p.grad).all().item() for p in model.parameters() if p.grad is not None)


def check_memory() -> None:
    """A hundred training steps leave no memory behind."""
    with agrad.Device("cuda"):
        model = nn.Sequential(nn.Linear(48, 256), nn.Tanh(), nn.Linear(256, 5))
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        x, y = agrad.asarray(_MATRIX), agrad.asarray(_LABELS)
        used = []
        for _ in range(100):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            used.append(agrad.cuda.memory_allocated())
        assert used[-1] == used[10], used


def check_files() -> None:
    """A checkpoint of Tensors on the GPU."""
    with tempfile.TemporaryDirectory() as folder, agrad.Device("cuda"):
        path = Path(folder) / "model.safetensors"
        model = nn.Linear(3, 2)
        agrad.save(model.state_dict(), path)
        assert_close(agrad.load(path)["weight"].to("cpu"), model.weight.detach().to("cpu").numpy(), rtol=0, atol=0)


def check_exchange() -> None:
    """DLPack to PyTorch and back, if PyTorch supports the GPU."""
    try:
        import torch
    except ImportError:
        return
    if torch.cuda.is_available():
        with agrad.Device("cuda"):
            x = agrad.asarray(_MATRIX)
            there = torch.from_dlpack(x)
            assert there.is_cuda
            assert_close(agrad.from_dlpack(there * 2), 2 * _MATRIX, rtol=0, atol=0)


def main() -> int:
    """Run all checks; return how many failed."""
    checks = [value for name, value in globals().items() if name.startswith("check_")]
    failed = 0
    for check in checks:
        start = perf_counter()
        try:
            check()
        except Exception:  # the other checks still run
            failed += 1
            print(f"FAILED {check.__name__}: {check.__doc__}\n{traceback.format_exc(limit=-3)}", flush=True)
        else:
            print(f"ok     {check.__name__}, {perf_counter() - start:.1f} s: {check.__doc__}", flush=True)
    print(f"{len(checks) - failed} of {len(checks)} checks passed")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
