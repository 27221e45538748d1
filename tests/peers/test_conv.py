"""Convolution and pooling beside PyTorch's."""

import pytest

import agrad
from tests.peers.compare import compare_functions, compare_modules

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),
]

CONV2D = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": (2, 3), "padding": (0, 2), "dilation": (2, 1)},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "valid"},
    {"groups": 2},
    {"groups": 4, "padding": 1},
    {"stride": 3, "dilation": 2, "padding": 3, "groups": 2},
]


@pytest.mark.parametrize("settings", CONV2D, ids=str)
@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (1, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_conv2d(settings, kernel, bias):
    shapes = [(2, 4, 9, 8), (8, 4 // settings.get("groups", 1), *kernel), *([(8,)] if bias else [])]
    compare_functions("conv2d", *shapes, **settings)


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 3}, {"padding": "same"}, {"groups": 2}], ids=str)
def test_conv1d(settings):
    compare_functions("conv1d", (2, 4, 9), (6, 4 // settings.get("groups", 1), 4), (6,), **settings)


CONV3D = [
    {},
    {"stride": (1, 2, 3), "padding": (0, 1, 2), "dilation": (2, 1, 1)},
    {"padding": "same", "groups": 2},
]


@pytest.mark.parametrize("settings", CONV3D, ids=str)
def test_conv3d(settings):
    weight = (6, 4 // settings.get("groups", 1), 2, 3, 1)
    compare_functions("conv3d", (2, 4, 5, 6, 4), weight, (6,), **settings)
    compare_functions("conv3d", (4, 5, 6, 4), weight, **settings)


TRANSPOSED = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": (1, 3), "padding": (2, 0), "dilation": (2, 1), "output_padding": (1, 2)},
    {"groups": 2, "stride": 2},
    {"dilation": 3, "output_padding": 2},
]


@pytest.mark.parametrize("settings", TRANSPOSED, ids=str)
def test_conv_transpose2d(settings):
    compare_functions("conv_transpose2d", (2, 4, 5, 6), (4, 3, 3, 4), (3 * settings.get("groups", 1),), **settings)


SAME_FOR_ALL_AXES = [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation": 2}]


@pytest.mark.parametrize("settings", SAME_FOR_ALL_AXES, ids=str)
@pytest.mark.parametrize("axes", [1, 3])
def test_conv_transpose_of_other_axes(axes, settings):
    shapes = [(2, 4, 5, 3, 4)[: axes + 2], (4, 3, 3, 2, 1)[: axes + 2], (3 * settings.get("groups", 1),)]
    compare_functions(f"conv_transpose{axes}d", *shapes, **settings)


@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_without_a_batch(name):
    compare_functions(name, (4, 5, 6), (4, 4, 3, 3), (4,))


MAXIMA = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "stride": (3, 1), "dilation": (2, 1)},
    {"kernel_size": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 4, "padding": 1, "ceil_mode": True},
]


@pytest.mark.parametrize("settings", MAXIMA, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 9, 7), (3, 8, 8)])
def test_max_pool2d(settings, shape):
    compare_functions("max_pool2d", shape, **settings)


@pytest.mark.parametrize("settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}], ids=str)
def test_max_pool1d(settings):
    compare_functions("max_pool1d", (2, 3, 9), **settings)


@pytest.mark.parametrize("name", ["max_pool1d", "avg_pool1d"])
@pytest.mark.parametrize("settings", [(3, 2), (3, 3, 1), (4, 3)], ids=str)
def test_windows_larger_than_the_input(name, settings):
    settings = dict(zip(("kernel_size", "stride", "padding"), settings, strict=False))
    compare_functions(name, (2, 3, 2), **settings, ceil_mode=True)


MEANS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True},
    {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 1), "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": 2, "divisor_override": 3},
]


@pytest.mark.parametrize("settings", MEANS, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 9, 7), (3, 8, 8)])
def test_avg_pool2d(settings, shape):
    compare_functions("avg_pool2d", shape, **settings)


@pytest.mark.parametrize("settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}], ids=str)
def test_avg_pool1d(settings):
    compare_functions("avg_pool1d", (2, 3, 9), **settings)


@pytest.mark.parametrize("size", [1, 3, 9, (4, 2), (None, 3), (12, 7)])
def test_adaptive_avg_pool2d(size):
    compare_functions("adaptive_avg_pool2d", (2, 3, 9, 7), output_size=size)


MODULES = [
    ("Conv1d", (4, 6, 3), {}, (2, 4, 9)),
    ("Conv1d", (4, 6, 3), {"padding": 2, "padding_mode": "circular", "bias": False}, (2, 4, 9)),
    ("Conv2d", (4, 6, 3), {"stride": 2, "padding": 1}, (2, 4, 9, 8)),
    ("Conv2d", (4, 6, (3, 2), 1, "same", 2, 2), {}, (2, 4, 9, 8)),
    ("Conv2d", (4, 6, 3), {"padding": (1, 2), "padding_mode": "reflect"}, (2, 4, 9, 8)),
    ("Conv2d", (4, 6, 4), {"padding": "same", "padding_mode": "replicate"}, (2, 4, 9, 8)),
    ("Conv3d", (4, 6, (1, 3, 2)), {"stride": (1, 2, 1), "padding": 1, "groups": 2}, (2, 4, 3, 5, 4)),
    ("Conv3d", (4, 6, 3), {"padding": 1, "padding_mode": "circular", "bias": False}, (4, 3, 5, 4)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "output_padding": 1, "groups": 2}, (2, 4, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "output_padding": 1, "groups": 2}, (2, 4, 5, 5)),
    ("ConvTranspose3d", (4, 6, 3), {"stride": (2, 1, 1), "padding": 1, "bias": False}, (2, 4, 3, 5, 4)),
    ("MaxPool1d", (3,), {"stride": 2}, (2, 4, 9)),
    ("MaxPool2d", (2,), {}, (2, 4, 9, 8)),
    ("MaxPool2d", ((3, 2),), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 4, 9, 8)),
    ("AvgPool1d", (3,), {"padding": 1}, (2, 4, 9)),
    ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, (2, 4, 9, 8)),
    ("AdaptiveAvgPool2d", ((3, None),), {}, (2, 4, 9, 8)),
]


@pytest.mark.parametrize(("name", "args", "settings", "shape"), MODULES)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_modules(name, args, settings, shape, precision):
    compare_modules(lambda library: getattr(library.nn, name)(*args, **settings), shape, precision=precision)


def test_initial_values_have_pytorchs_spread():
    agrad.manual_seed(0)
    torch.manual_seed(0)
    for name in ("Conv2d", "ConvTranspose2d", "Conv3d", "ConvTranspose1d"):
        ours, theirs = (getattr(library.nn, name)(30, 50, 5, groups=2) for library in (agrad, torch))
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert mine.detach().max().item() == pytest.approx(other.detach().max().item(), rel=0.2)
            assert mine.detach().std().item() == pytest.approx(other.detach().std().item(), rel=0.25)
