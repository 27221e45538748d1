"""Normalization, activations, embeddings and the like beside PyTorch's."""

import numpy as np
import pytest

import agrad
from agrad.testing import assert_close
from tests.peers.compare import compare, compare_functions, compare_modules, pair, twins

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

LAYERS = [
    ("BatchNorm1d", (4,), {}, [(5, 4)]),
    ("BatchNorm1d", (4,), {"momentum": None, "bias": False}, [(5, 4, 3)]),
    ("BatchNorm2d", (4,), {"eps": 0.1, "momentum": 0.3}, [(5, 4, 3, 2)]),
    ("BatchNorm2d", (4,), {"affine": False, "track_running_stats": False}, [(5, 4, 3, 2)]),
    ("BatchNorm3d", (4,), {"momentum": 0.3}, [(5, 4, 3, 2, 2)]),
    ("InstanceNorm1d", (4,), {}, [(5, 4, 3)]),
    ("InstanceNorm1d", (4,), {"affine": True, "track_running_stats": True, "momentum": None}, [(4, 3)]),
    ("InstanceNorm2d", (4,), {"affine": True, "eps": 0.1, "bias": False}, [(5, 4, 3, 2)]),
    ("InstanceNorm2d", (4,), {"track_running_stats": True, "momentum": 0.3}, [(5, 4, 3, 2)]),
    ("InstanceNorm3d", (4,), {"affine": True}, [(4, 3, 2, 2)]),
    ("LayerNorm", (4,), {}, [(5, 3, 4)]),
    ("LayerNorm", ((3, 4),), {"bias": False}, [(5, 3, 4)]),
    ("LayerNorm", (4,), {"elementwise_affine": False, "eps": 0.5}, [(4,)]),
    ("GroupNorm", (2, 6), {}, [(5, 6, 3, 2)]),
    ("GroupNorm", (6, 6), {"affine": False}, [(5, 6, 4)]),
    ("RMSNorm", (4,), {}, [(5, 3, 4)]),
    ("RMSNorm", ((3, 4),), {"eps": 0.1, "elementwise_affine": False}, [(5, 3, 4)]),
    ("Bilinear", (3, 4, 5), {}, [(2, 6, 3), (2, 6, 4)]),
    ("Bilinear", (3, 4, 5), {"bias": False}, [(3,), (4,)]),
    ("PReLU", (), {}, [(5, 3)]),
    ("PReLU", (3, 0.1), {}, [(5, 3, 2)]),
    ("LeakyReLU", (0.2,), {}, [(5, 3)]),
    ("ELU", (1.5,), {}, [(5, 3)]),
    ("GELU", (), {}, [(5, 3)]),
    ("GELU", ("tanh",), {}, [(5, 3)]),
    ("SiLU", (), {}, [(5, 3)]),
    ("Softplus", (2.0, 1.0), {}, [(5, 3)]),
    ("Hardtanh", (-0.5, 0.7), {}, [(5, 3)]),
    ("LogSoftmax", (1,), {}, [(5, 3, 2)]),
    ("Identity", (), {}, [(5, 3)]),
    ("Unflatten", (1, (2, -1)), {}, [(5, 6)]),
]


@pytest.mark.parametrize(("name", "args", "settings", "shapes"), LAYERS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_modules(name, args, settings, shapes, precision):
    compare_modules(lambda library: getattr(library.nn, name)(*args, **settings), *shapes, precision=precision)


@pytest.mark.parametrize("function", ["leaky_relu", "elu", "gelu", "silu", "softplus", "hardtanh", "relu", "tanh"])
def test_at_the_kinks(function):
    values = [-1.0, -0.0, 0.0, 1.0, 30.0, -30.0]
    x, a = agrad.asarray(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    ours, theirs = getattr(agrad.nn.functional, function)(x), getattr(torch.nn.functional, function)(a)
    compare(ours, theirs, [(x, a)], "float32")


@pytest.mark.parametrize(
    "settings", [{"track_running_stats": True}, {"momentum": None}, {"track_running_stats": False}], ids=str
)
@pytest.mark.parametrize("name", ["BatchNorm2d", "InstanceNorm2d"])
def test_the_record_of_a_norm(name, settings):
    ours, theirs = pair(lambda library: getattr(library.nn, name)(3, **settings))
    for i in range(4):
        x, a = twins((4, 3, 2, 2), seed=i)
        compare(ours(3 * x + i), theirs(3 * a + i), [(x, a)])
    for (name, mine), (_, other) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        assert_close(mine, other.numpy(), rtol=1e-10, atol=1e-12), name
    ours.eval(), theirs.eval()
    x, a = twins((4, 3, 2, 2), seed=9)
    compare(ours(x), theirs(a), [(x, a)])


@pytest.mark.parametrize("padding_idx", [None, 0, -2])
def test_embedding(padding_idx):
    ours, theirs = pair(lambda library: library.nn.Embedding(5, 3, padding_idx))
    assert repr(ours) == repr(theirs)
    numbers = np.asarray([[0, 3, 3], [1, 4, 0]])
    compare(ours(agrad.asarray(numbers)), theirs(torch.tensor(numbers)), [(ours.weight, theirs.weight)])


def containers(library):
    nn = library.nn
    module = nn.Module()
    module.layers = nn.ModuleList([nn.Linear(2, 3), nn.ReLU()])
    module.layers.insert(1, nn.BatchNorm1d(3))
    module.layers.append(nn.Linear(3, 1))
    module.heads = nn.ModuleDict({"a": nn.Linear(1, 1)})
    module.heads["b"] = nn.Identity()
    return module


def test_containers():
    ours, theirs = containers(agrad), containers(torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.layers[2:], theirs.layers[2:]
    del ours.layers[0], theirs.layers[0]
    assert repr(ours) == repr(theirs)
    values = [np.ones((2, 3), dtype=np.float32), np.zeros(4, dtype=np.float32)]
    ours = agrad.nn.ParameterList([agrad.asarray(value) for value in values])
    theirs = torch.nn.ParameterList([torch.tensor(value) for value in values])
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_state_dicts_go_both_ways(tmp_path):
    from safetensors.torch import load_file, save_file

    ours, theirs = containers(agrad), containers(torch)
    save_file(theirs.state_dict(), tmp_path / "torch.safetensors")
    ours.load_state_dict(agrad.load(tmp_path / "torch.safetensors"))
    agrad.save(containers(agrad).state_dict(), tmp_path / "agrad.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "agrad.safetensors"))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("uniform_", (-1.0, 2.0)),
        ("normal_", (1.0, 2.0)),
        ("trunc_normal_", (0.5, 1.0, -1.0, 1.5)),
        ("constant_", (3.0,)),
        ("zeros_", ()),
        ("ones_", ()),
        ("xavier_uniform_", (2.0,)),
        ("xavier_normal_", (2.0,)),
        ("kaiming_uniform_", (0.5, "fan_in", "leaky_relu")),
        ("kaiming_uniform_", (0.0, "fan_out", "tanh")),
        ("kaiming_normal_", (0.5, "fan_out", "relu")),
        ("orthogonal_", (3.0,)),
        ("dirac_", (2,)),
    ],
)
def test_initial_values(name, args):
    agrad.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = agrad.empty((60, 40, 3)), torch.empty((60, 40, 3))
    assert getattr(agrad.nn.init, name)(ours, *args) is ours
    getattr(torch.nn.init, name)(theirs, *args)
    mine, other = (x.numpy().astype(float) for x in (ours, theirs))
    assert mine.mean() == pytest.approx(other.mean(), abs=0.05 * max(1.0, abs(other).max()))
    assert mine.std() == pytest.approx(other.std(), rel=0.05, abs=1e-7)
    assert abs(mine).max() == pytest.approx(abs(other).max(), rel=0.2)


def test_gains():
    for name in ("linear", "conv2d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert agrad.nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))


@pytest.mark.parametrize(
    ("name", "settings", "shapes"),
    [
        ("CosineSimilarity", {}, [(5, 3), (5, 3)]),
        ("CosineSimilarity", {"dim": -2, "eps": 1e-3}, [(5, 3, 2), (3, 1)]),
        ("PairwiseDistance", {}, [(5, 3), (5, 3)]),
        ("PairwiseDistance", {"p": 1.0, "keepdim": True}, [(2, 5, 3), (5, 3)]),
        ("PairwiseDistance", {"p": float("inf"), "eps": 0.1}, [(3,), (5, 3)]),
    ],
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_distances(name, settings, shapes, precision):
    compare_modules(lambda library: getattr(library.nn, name)(**settings), *shapes, precision=precision)


@pytest.mark.parametrize("settings", [{}, {"p": 1.0, "dim": -1}, {"p": 3.0, "eps": 2.0}, {"dim": (0, 2)}], ids=str)
def test_normalize(settings):
    compare_functions("normalize", (4, 3, 2), **settings)


def test_vectors_of_zeros_have_no_direction():
    for name in ("normalize", "cosine_similarity"):
        results = []
        for library in (agrad, torch):
            x = library.zeros((2, 3)).requires_grad_()
            function = getattr(library.nn.functional, name)
            out = function(x) if name == "normalize" else function(x, library.ones((2, 3)))
            out.sum().backward()
            results += [(out.tolist(), x.grad.tolist())]
        assert results[0][0] == results[1][0]
        np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-6)


def test_functions():
    compare_functions("bilinear", (5, 3), (5, 4), (2, 3, 4), (2,))
    compare_functions("prelu", (5, 3, 2), (3,))
