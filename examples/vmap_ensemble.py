"""Train an ensemble of networks at once: where they agree and where they do not.

    python examples/vmap_ensemble.py --plot ensemble.png

A network does not say how uncertain its predictions are. Several networks that start from different random weights do:
between the data they agree, and far from the data they do not.

Initialization, a training step and the predictions are written for one network. `vmap` runs them for all networks at
once: their weights are arrays with one more axis, and a layer of all networks is one stack of matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import BLUE, GREY, ORANGE, arguments, at_least_one, parser, progress, pyplot, rate, save, say

import agrad
from agrad import Tensor, nn
from agrad.nn import functional as F

Weights = dict[str, Tensor]


class Result(NamedTuple):
    """The data, places between and beyond the data, the answer of each network there, and the losses at the end."""

    x: Tensor
    y: Tensor
    places: Tensor
    answers: Tensor
    losses: Tensor


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))


def data() -> tuple[Tensor, Tensor]:
    """Return noisy values of a function at places in two intervals."""
    x = agrad.concat([agrad.uniform(-2.0, -0.6, size=(30,)), agrad.uniform(0.4, 1.6, size=(30,))])
    return x[:, None], (agrad.sin(3 * x) + 0.1 * agrad.randn(60))[:, None]


def train(networks: int, steps: int, lr: float) -> Result:
    (x, y), model = data(), network()

    def start() -> Weights:
        return {name: p.detach() for name, p in network().named_parameters()}

    def step(weights: Weights, velocity: Weights) -> tuple[Tensor, Weights, Weights]:
        loss, slope = agrad.value_and_grad(lambda w: F.mse_loss(model.functional_call(w, x), y))(weights)
        velocity = {name: 0.9 * velocity[name] + slope[name] for name in weights}
        return loss, {name: weights[name] - lr * velocity[name] for name in weights}, velocity

    weights = agrad.vmap(start, axis_size=networks, randomness="different")()
    velocity = {name: agrad.zeros_like(w) for name, w in weights.items()}
    for number in progress(range(steps), "steps"):
        losses, weights, velocity = agrad.vmap(step)(weights, velocity)
        if number % max(1, steps // 5) == 0:
            say(f"step {number:5}  losses from {agrad.min(losses).item():.4f} to {agrad.max(losses).item():.4f}")
    places = agrad.linspace(-3.0, 3.0, 121)[:, None]
    answers = agrad.vmap(model.functional_call, in_axes=(0, None))(weights, places)
    return Result(x, y, places, answers[:, :, 0], losses)


def draw(result: Result, file: Path) -> None:
    figure, axis = pyplot().subplots(figsize=(9, 4.5), layout="constrained")
    places, answers = result.places[:, 0].numpy(), result.answers.numpy()
    mean, spread = answers.mean(axis=0), 2 * answers.std(axis=0)
    axis.plot(places, answers.T, color=GREY, linewidth=0.5, alpha=0.6)
    axis.fill_between(places, mean - spread, mean + spread, color=BLUE, alpha=0.2, label="mean ± 2 deviations")
    axis.plot(places, mean, color=BLUE, label="mean of the networks")
    axis.plot(result.x[:, 0].numpy(), result.y[:, 0].numpy(), "o", color=ORANGE, markersize=4, label="data")
    axis.set(xlabel="x", ylabel="y", ylim=(-3, 3))
    axis.legend(loc="upper left")
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--networks", type=at_least_one, default=20, help="networks in the ensemble (default: 20)")
    made.add_argument("--steps", type=at_least_one, default=2000, help="steps of training (default: 2000)")
    made.add_argument("--lr", type=rate, default=0.02, help="the learning rate (default: 0.02)")
    args = arguments(made, argv)
    with args.device:
        result = train(args.networks, args.steps, args.lr)
        spread = agrad.std(result.answers, axis=0)
        near, far = spread[30].item(), spread[-1].item()
        print(f"the networks' answers differ by {near:.3f} at x = -1.5, among the data, and by {far:.3f} at x = 3")
        if args.plot:
            draw(result, args.plot)
    return result


if __name__ == "__main__":
    main()
