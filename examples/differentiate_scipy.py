"""Estimate the pose of a camera from a photograph: gradient descent through SciPy.

    python examples/differentiate_scipy.py --plot camera.png

A photograph shows the ten corners of a house of known dimensions. What was the rotation of the camera, and where did it
stand? Projecting the corners for a given pose is easy: rotate and translate them into the camera's axes, and divide by
the depth. The loss is the distance of the projected corners from those in the photograph, and gradient descent
minimizes it, starting from a camera without rotation, 30 m in front of the house.

The rotation is SciPy's `scipy.spatial.transform.Rotation`. It was not written for gradients, but it is written for any
array API library, and agrad is one: SciPy computes with Tensors, agrad records its ops like any others, and `backward`
goes through them. SciPy accepts arrays of other libraries if SCIPY_ARRAY_API=1 is set before it is imported.

A rotation has three degrees of freedom, and Rotation takes them as a rotation vector: its direction is the axis, its
length the angle. So every step leads to a rotation, unlike a step on the nine elements of a matrix. The origin is the
middle of the house, so that rotation and translation are nearly independent and gradient descent converges quickly.
After 60 steps the corners are off by less than a pixel, which is the noise of the photograph, and the camera's position
is known to a decimetre or two.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import common
from common import BLUE, GREEN, GREY, ORANGE, RED, arguments, at_least_one, parser, progress, pyplot, save, say

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before the import: SciPy reads it only then

try:
    from scipy.spatial.transform import Rotation
except ImportError:
    raise SystemExit('this example needs SciPy 1.17: pip install "agrad[examples]"') from None

import agrad
from agrad import Tensor, nn, optim

# A house of 8 × 6 m in metres from its middle: x to the right, y downwards, z away from the viewer in front of it.
WALLS = [[x, y, z] for x in (-4.0, 4.0) for z in (-3.0, 3.0) for y in (3.0, -1.0)]
CORNERS = [*WALLS, [-4.0, -4.0, 0.0], [4.0, -4.0, 0.0]]
EDGES = [
    (0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (4, 6), (0, 4), (2, 6), (1, 5), (3, 7),  # the walls
    (1, 8), (3, 8), (5, 9), (7, 9), (8, 9),  # the roof
]  # fmt: skip
FOCAL_LENGTH = 800.0  # in pixels
TURN, SHIFT = [0.25, -0.6, 0.1], [1.0, -0.5, 20.0]  # the true pose
NOISE = 1.0  # the standard deviation of the marked corners, in pixels
UNIT = 20.0  # of translations, in metres, so that they scale like rotations


class Camera(nn.Module):
    """A camera: it projects a Tensor of three-dimensional points to their positions in the image."""

    def __init__(self, turn: Sequence[float], shift: Sequence[float]) -> None:
        super().__init__()
        self.turn = nn.Parameter(agrad.asarray(turn))
        self.shift = nn.Parameter(agrad.asarray(shift) / UNIT)

    def forward(self, points: Tensor) -> Tensor:
        seen = Rotation.from_rotvec(self.turn).apply(points) + UNIT * self.shift
        return seen[:, :2] / seen[:, 2:]

    def position(self) -> Tensor:
        """Return its position, in the axes of the house."""
        with agrad.no_grad():
            return Rotation.from_rotvec(self.turn).inv().apply(-UNIT * self.shift)


class Way(NamedTuple):
    """The projected corners before each step, and their distance from the photograph in pixels."""

    pictures: list[list[list[float]]]
    errors: list[float]


def fit(camera: Camera, corners: Tensor, photograph: Tensor, steps: int) -> Way:
    optimizer = optim.SGD(camera.parameters(), lr=1.0, momentum=0.8)
    criterion = nn.MSELoss()
    way = Way([], [])
    for step in progress(range(steps), "steps"):
        picture = camera(corners)
        loss = criterion(picture, photograph)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        way.pictures.append((FOCAL_LENGTH * picture.detach()).tolist())
        way.errors.append(FOCAL_LENGTH * loss.item() ** 0.5)
        if step % max(1, steps // 8) == 0:
            say(f"step {step:4}  corners off by {way.errors[-1]:8.3f} pixels")
    return way


def draw(photograph: Tensor, way: Way, file: Path) -> None:
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(12, 5), width_ratios=(3, 2), layout="constrained")
    for picture, colour, label in ((way.pictures[0], ORANGE, "first guess"), (way.pictures[-1], BLUE, "found")):
        for n, (a, b) in enumerate(EDGES):
            xs, ys = zip(picture[a], picture[b], strict=True)
            left.plot(xs, ys, color=colour, linewidth=2, label=None if n else label)
    for n, places in enumerate(zip(*way.pictures, strict=True)):
        left.plot(*zip(*places, strict=True), color=GREY, linewidth=1, alpha=0.6, label=None if n else "the way there")
    left.plot(*(FOCAL_LENGTH * photograph).T.tolist(), "o", color=RED, markersize=7, label="marked in the photograph")
    left.set(xlabel="pixels to the right", ylabel="pixels downwards", aspect="equal")
    left.invert_yaxis()
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=10)
    right.plot(way.errors, color=BLUE, label="distance of the corners")
    right.axhline(NOISE, linestyle=":", color=GREEN, label="how well they are marked")
    right.set(xlabel="step", ylabel="pixels", yscale="log")
    common.plain_log_ticks(right.yaxis)
    right.legend()
    save(figure, file)


def main(argv: Sequence[str] | None = None) -> Way:
    made = parser(__doc__)
    made.add_argument("--steps", type=at_least_one, default=150, help="of gradient descent (default: 150)")
    args = arguments(made, argv)
    with args.device:
        corners = agrad.asarray(CORNERS)
        truth = Camera(TURN, SHIFT)
        with agrad.no_grad():
            photograph = truth(corners) + NOISE / FOCAL_LENGTH * agrad.randn(len(CORNERS), 2)
        camera = Camera([0.0, 0.0, 0.0], [0.0, 0.0, 30.0])
        way = fit(camera, corners, photograph, args.steps)
        place = ", ".join(f"{x:.2f}" for x in camera.position().tolist())
        beside = ((camera.position() - truth.position()) ** 2).sum().item() ** 0.5
        print(f"the camera stood at ({place}) m: {beside:.3f} m beside the truth")
        if args.plot:
            draw(photograph, way, args.plot)
    return way


if __name__ == "__main__":
    main()
