"""Small programs that a backend must run: what rows of ops do not show, above all training steps.

Each takes a device and returns Tensors, which are compared with those of the same program on ``"cpu"``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import agrad

from ...core.device import Device
from ...core.tensor import Tensor

__all__ = ["PROGRAMS"]


def _numbers(device: Device, *shape: int, step: float = 0.37) -> Tensor:
    """Return numbers from -1 to 1 without order, the same on each device."""
    size = agrad.broadcast_to(agrad.asarray(0.0, device="cpu"), shape).size
    values = [(i * step * 7.0 + 0.21) % 2.0 - 1.0 for i in range(size)]
    return agrad.reshape(agrad.asarray(values, dtype="float32", device=device), shape)


def _trained(
    device: Device, model: Any, optimizer: Any, inputs: Any, loss_of: Callable[[Any], Tensor]
) -> Sequence[Tensor]:
    """Return the losses and parameters of three training steps, from weights that are the same on each device."""
    with agrad.no_grad():
        for i, p in enumerate(model.parameters()):
            p[...] = 0.4 * _numbers(device, *p.shape, step=0.37 + 0.05 * i)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = loss_of(model(inputs))
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return [*losses, *(p.detach() for p in model.parameters())]


def _perceptron(device: Device) -> Sequence[Tensor]:
    nn, target = agrad.nn, agrad.asarray([0, 2, 1, 2], device=device)
    model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 3)).to(device)
    optimizer = agrad.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return _trained(device, model, optimizer, _numbers(device, 4, 5), lambda y: nn.CrossEntropyLoss()(y, target))


def _convolutions(device: Device) -> Sequence[Tensor]:
    nn = agrad.nn
    layers = nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 2)
    model = nn.Sequential(*layers).to(device)
    optimizer = agrad.optim.AdamW(model.parameters(), lr=0.01)
    target = _numbers(device, 2, 2)
    return _trained(device, model, optimizer, _numbers(device, 2, 2, 6, 6), lambda y: nn.MSELoss()(y, target))


def _sequences(device: Device) -> Sequence[Tensor]:
    nn, tokens = agrad.nn, agrad.asarray([[1, 3, 3], [0, 1, 2]], device=device)
    model = nn.Sequential(nn.Embedding(4, 3), nn.LSTM(3, 4, batch_first=True)).to(device)
    optimizer = agrad.optim.Adam(model.parameters(), lr=0.01)
    return _trained(device, model, optimizer, tokens, lambda y: agrad.mean(y[0] * y[0]))


def _keys(device: Device) -> Sequence[Any]:
    """Read and write at keys, and differentiate twice."""
    x = _numbers(device, 3, 4).requires_grad_()
    y = x * x
    y[1:, 0] = 2.0 * y[0, 1]
    y[agrad.asarray([0, 0, 2], device=device), 3] = agrad.asarray([5.0, 6.0, 7.0], device=device)
    total = agrad.sum(y[:, ::2] ** 2) + agrad.sum(y[y > 0.25]) + agrad.sum(y[-1, ...] * y[::-1, 1][0])
    first: Any = agrad.gradients(total, x, create_graph=True)[0]
    return [total, first, *agrad.gradients(agrad.sum(first * first), x)]


def _views(device: Device) -> Sequence[Tensor]:
    """Write to a part of what a gradient needs: it does not change with its part, or an error says that it did."""
    x = _numbers(device, 3, 4).requires_grad_()
    expected = 2 * x.detach()
    total = agrad.sum(x * x)
    with agrad.no_grad():
        x[1:][0] = 7.0
    try:
        total.backward()
    except RuntimeError as error:
        if "in place" not in str(error):
            raise
        return [agrad.asarray(True, device=device)]
    return [agrad.all(x.grad == expected)]


def _matrices(device: Device) -> Sequence[Any]:
    """Compose decompositions again, so that the signs that a library chooses do not matter."""
    x = _numbers(device, 4, 3).requires_grad_()
    symmetric = x.T @ x + agrad.eye(3, device=device)
    u, s, vh = agrad.linalg.svd(x, full_matrices=False)
    q, r = agrad.linalg.qr(x)
    values, vectors = agrad.linalg.eigh(symmetric)
    lower = agrad.linalg.cholesky(symmetric)
    parts = [agrad.sum(agrad.tanh(z)) for z in ((u * s) @ vh, q @ r, (vectors * values) @ vectors.T, lower)]
    total = agrad.sum(agrad.stack(parts)) + agrad.sum(s**2) + agrad.sum(values**2)
    return [total, *agrad.gradients(total, x)]


def _curvature(device: Device) -> Sequence[Tensor]:
    point = _numbers(device, 3)
    return [agrad.hessian(lambda x: agrad.sum(agrad.exp(x) * agrad.sin(x[0] * x)))(point)]


def _draws(device: Device) -> Sequence[Tensor]:
    """Draw random numbers: what is compared is only that they are in their range, the same again for the same seed."""
    agrad.manual_seed(1)
    drawn = agrad.rand(50, device=device), agrad.randint(0, 7, (50,), device=device), agrad.randperm(50, device=device)
    agrad.manual_seed(1)
    again = agrad.rand(50, device=device)
    inside = agrad.all((drawn[0] >= 0) & (drawn[0] < 1)) & agrad.all((drawn[1] >= 0) & (drawn[1] < 7))
    return [inside, agrad.all(again == drawn[0]), agrad.sort(drawn[2])]


PROGRAMS: Final[dict[str, Callable[[Device], Sequence[Tensor]]]] = {
    "training a perceptron": _perceptron,
    "training convolutions": _convolutions,
    "training on sequences": _sequences,
    "reading and writing at keys": _keys,
    "writing to a part of what a gradient needs (see Backend.buffer_of)": _views,
    "decompositions of matrices": _matrices,
    "a Hessian": _curvature,
    "random numbers": _draws,
}
