"""Draws the figures of the pages: ``python docs/figures.py``. It needs graphviz and matplotlib."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import agrad
from agrad.inspection.graph import Graph

FOLDER = Path(__file__).parent / "figures"


def leaf(value: float) -> agrad.Tensor:
    """Return a number that requires a gradient."""
    return agrad.tensor(value, requires_grad=True)


def neuron() -> Graph:
    """Return the tape of one neuron."""
    x, w, b = leaf(2.0), leaf(-0.5), leaf(1.5)
    u = x * w
    v = u + b
    y = agrad.tanh(v)
    return agrad.draw(y, names={"x": x, "w": w, "b": b, "u": u, "v": v, "y": y})


def diamond() -> Graph:
    """Return a tape on which two paths lead to the same place."""
    x = leaf(1.0)
    a = agrad.exp(x)
    b = agrad.sin(a)
    c = a * b
    return agrad.draw(c, names={"x": x, "a": a, "b": b, "c": c})


def layer() -> Graph:
    """Return the tape of a layer, on arrays."""
    model = agrad.nn.Sequential(agrad.nn.Linear(3, 2), agrad.nn.ReLU())
    return agrad.draw(model, input_shape=(4, 3))


def slope() -> Graph:
    """Return the tape of a gradient that was itself recorded."""
    x = leaf(0.5)
    y = agrad.exp(x * x)
    (first,) = agrad.gradients(y, x, create_graph=True)
    return agrad.draw(first, names={"x": x, "y": y, "first": first})


def program() -> Graph:
    """Return the program of a compiled step of training."""
    model = agrad.nn.Linear(1, 1)
    optimizer = agrad.optim.SGD(model.parameters(), lr=0.1)

    @agrad.compile(state=[model, optimizer], keep_grads=False)
    def step(x: agrad.Tensor, y: agrad.Tensor) -> agrad.Tensor:
        optimizer.zero_grad()
        loss = agrad.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    step(agrad.ones((7, 1)), agrad.ones((7, 1)))
    return agrad.draw(step)


FIGURES = {"neuron": neuron, "diamond": diamond, "layer": layer, "slope": slope, "program": program}
CHARTS = ("compiled",)  # what `python -m benchmarks NAME --plot FILE` draws of benchmarks of these names
PLOTS = ("vmap_wrong_labels", "vmap_newton", "vmap_ensemble")  # what examples of these names draw

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        draw().save(FOLDER / f"{name}.svg")
    for name in PLOTS:
        example = FOLDER.parents[1] / "examples" / f"{name}.py"
        subprocess.run([sys.executable, example, "--plot", FOLDER / f"{name}.png"], check=True)
