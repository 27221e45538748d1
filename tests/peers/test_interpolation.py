"""Interpolation beside PyTorch's."""

import itertools

import pytest

import agrad
from tests.peers.compare import compare_functions, compare_modules

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
SIZES = [{"size": 7}, {"size": 1}, {"size": 4}, {"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.4}]
SCALED = [{"scale_factor": 1.2}, {"scale_factor": 2.6, "recompute_scale_factor": True}]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("aligned", [None, True, False])
@pytest.mark.parametrize("sizes", SIZES + SCALED, ids=str)
@pytest.mark.parametrize("mode", AXES)
def test_weighed(mode, sizes, aligned, precision):
    shape = (2, 3, *(4, 5, 3)[: AXES[mode]])
    compare_functions("interpolate", shape, precision=precision, mode=mode, align_corners=aligned, **sizes)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("sizes", SIZES + SCALED[1:], ids=str)
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
def test_gathered(mode, sizes, axes):
    compare_functions("interpolate", (2, 3, *(4, 5, 3)[:axes]), precision="float32", mode=mode, **sizes)


def test_a_scale_that_keeps_the_length():
    """PyTorch's gradient there, and its value for small pictures, is that of a scale of 1."""
    for library in (agrad, torch):
        x = library.reshape(library.arange(4.0), (1, 1, 4))
        assert library.nn.functional.interpolate(x, scale_factor=1.2).tolist() == [[[0.0, 0.0, 1.0, 2.0]]]


@pytest.mark.parametrize("aligned", [None, True])
@pytest.mark.parametrize("size", [(3, 4), (1, 2), (9, 13), (30, 5)])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialias(mode, size, aligned):
    compare_functions("interpolate", (2, 3, 9, 13), mode=mode, size=size, align_corners=aligned, antialias=True)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("sizes", SCALED, ids=str)
def test_antialias_of_scales(sizes, mode):
    compare_functions("interpolate", (2, 3, 5, 9), mode=mode, antialias=True, **sizes)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_the_same_neighbours_for_any_lengths(mode):
    """PyTorch's kernels for one and three axes round otherwise where a place lies at an edge."""
    for before, after in itertools.product((1, 2, 3, 7, 10, 29, 57, 100), range(1, 130, 3)):
        ours, theirs = (
            library.nn.functional.interpolate(
                library.reshape(library.arange(before, dtype=library.float32), (1, 1, 1, before)), (1, after), mode=mode
            )
            for library in (agrad, torch)
        )
        assert ours.tolist() == theirs.tolist(), (before, after)


MODULES = [
    ({"scale_factor": 2}, (2, 3, 4, 5)),
    ({"scale_factor": (2, 1.5), "mode": "bilinear"}, (2, 3, 4, 5)),
    ({"size": (3, 9), "mode": "bicubic", "align_corners": True}, (2, 3, 4, 5)),
    ({"size": 7, "mode": "linear"}, (2, 3, 4)),
    ({"scale_factor": 1.3, "recompute_scale_factor": True, "mode": "trilinear"}, (2, 3, 4, 5, 6)),
]


@pytest.mark.parametrize(("settings", "shape"), MODULES, ids=str)
def test_modules(settings, shape):
    compare_modules(lambda library: library.nn.Upsample(**settings), shape)
