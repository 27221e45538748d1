"""A layer and the ReLU behind it in a Sequential are one step, and nobody sees a difference."""

import math

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


@pytest.fixture(autouse=True)
def fuses(request, monkeypatch):
    """Merge them on each device: those without such kernels then compute the generic formulas."""
    device = request.getfixturevalue("device")
    monkeypatch.setattr(type(device.backend), "fuses_relu", True)


LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), (4, 6)),
    "linear of one sample": (lambda: nn.Linear(6, 5), (6,)),
    "linear of sequences": (lambda: nn.Linear(6, 40), (3, 7, 6)),
    "linear of no samples": (lambda: nn.Linear(6, 5), (0, 6)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1), (2, 4, 9)),
    "conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), stride=2, groups=2), (3, 4, 9, 8)),
    "conv2d of one sample": (lambda: nn.Conv2d(2, 3, 2), (2, 5, 4)),
    "conv2d of no samples": (lambda: nn.Conv2d(2, 3, 2), (0, 2, 5, 4)),
    "conv2d of one window": (lambda: nn.Conv2d(2, 3, 2), (4, 2, 2, 2)),
    "conv2d same": (lambda: nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect"), (2, 2, 5, 4)),
    "conv3d": (lambda: nn.Conv3d(2, 4, (1, 3, 2)), (2, 2, 3, 4, 5)),
}


def op_of(y):
    """Return the op that made a Tensor."""
    return y._node.plan.name


def made(name):
    make, shape = LAYERS[name]
    agrad.manual_seed(3)
    layer = make()
    return layer, nn.Sequential(layer, nn.ReLU()), agrad.randn(*shape, requires_grad=True)


def fused(model, x):
    """Return whether the first layer of a model is merged with the ReLU behind it."""
    return op_of(model[:2](x)) in ("bias_relu", "squeeze")


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients(name, device):
    layer, model, x = made(name)
    inputs = x, layer.weight, layer.bias
    y = model(x)
    assert fused(model, x)
    expected = agrad.relu(layer(x))
    assert_close(y, expected)
    weights = agrad.randn(*y.shape)
    for found, own in zip(agrad.gradients(y, inputs, weights), agrad.gradients(expected, inputs, weights), strict=True):
        assert_close(found, own, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["linear", "linear of sequences", "conv2d"])
def test_second_derivatives(name, device):
    layer, model, x = made(name)
    inputs = x, layer.weight, layer.bias

    def derivatives(y):
        (slope,) = agrad.gradients((y * y).sum(), x, create_graph=True)
        return agrad.gradients((slope * slope).sum(), inputs)

    for found, own in zip(derivatives(model(x)), derivatives(agrad.relu(layer(x))), strict=True):
        assert_close(found, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("frozen", ["weight", "bias", "both"])
def test_frozen_parameters(frozen, device):
    layer, model, x = made("linear")
    layer.weight.requires_grad_(frozen == "bias")
    layer.bias.requires_grad_(frozen == "weight")
    model(x).sum().backward()
    found, x.grad = x.grad, None
    assert (layer.weight.grad is None, layer.bias.grad is None) == (frozen != "bias", frozen != "weight")
    agrad.relu(layer(x)).sum().backward()
    assert_close(found, x.grad)


def test_inputs_in_any_order_of_memory(device):
    layer, model, _ = made("linear")
    x = agrad.randn(6, 4).T
    assert_close(model(x), agrad.relu(layer(x)))
    layer, model, _ = made("conv2d")
    x = agrad.permute_dims(agrad.randn(8, 9, 4, 3), (3, 2, 1, 0))
    assert_close(model(x), agrad.relu(layer(x)))


def test_a_gradient_that_is_broadcast(device):
    for name in ("linear", "conv2d"):
        layer, model, x = made(name)
        model(x).sum().backward()
        found = layer.weight.grad, layer.bias.grad
        layer.zero_grad()
        agrad.relu(layer(x)).sum().backward()
        assert_close(found[0], layer.weight.grad, rtol=1e-4, atol=1e-5)
        assert_close(found[1], layer.bias.grad)


def test_nan_infinity_and_signed_zeros(device):
    layer, model = nn.Linear(1, 1), None
    with agrad.no_grad():
        layer.weight[...], layer.bias[...] = 1.0, -0.0
    model = nn.Sequential(layer, nn.ReLU())
    values = [[math.nan], [math.inf], [-math.inf], [-0.0], [0.0], [-1.0], [2.0]]
    found = []
    for step in (model, lambda x: agrad.relu(layer(x))):
        x = agrad.tensor(values, requires_grad=True)
        y = step(x)
        (slope,) = agrad.gradients(y, x, agrad.ones((7, 1)))
        found.append((y.detach(), slope, [math.copysign(1.0, number) for (number,) in y.tolist()[1:]]))
    (y, slope, signs), (expected, own, others) = found
    assert_close(y, expected)
    assert_close(slope, own)
    assert signs == others


def test_half_precision(device):
    if device.backend.kind == "strict":
        pytest.skip("it has no float16")
    for name in ("linear of sequences", "conv2d"):
        layer, model, x = made(name)
        model.to(agrad.float16)
        x = x.detach().astype(agrad.float16)
        y = model(x)
        assert y.dtype is agrad.float16
        assert_close(y, agrad.relu(layer(x)))
        y.sum().backward()
        found = layer.bias.grad
        layer.zero_grad()
        agrad.relu(layer(x)).sum().backward()
        assert_close(found, layer.bias.grad, rtol=5e-3)


def test_bfloat16(device):
    if not hasattr(device.xp, "bfloat16"):
        pytest.skip("it has no bfloat16")
    layer, model, x = made("linear")
    model.to(agrad.bfloat16)
    x = x.detach().astype(agrad.bfloat16)
    assert_close(model(x), agrad.relu(layer(x)))


# Where somebody looks between the layers, they run apart


def test_hooks_see_the_output_of_their_layer(device):
    layer, model, x = made("linear")
    seen = []
    for i in (0, 1):
        with model[i].register_forward_hook(lambda module, args, output: seen.append((module, args[0], output))):
            y = model(x)
            assert op_of(y) == "relu"
        with model[i].register_forward_pre_hook(lambda module, args: seen.append((module, args[0]))):
            assert op_of(model(x)) == "relu"
    assert fused(model, x)
    before = layer(x)
    assert (before < 0).any()
    assert [x[0] for x in seen] == [layer, layer, model[1], model[1]]
    assert_close(seen[0][2], before)
    assert_close(seen[2][1], before)
    assert_close(seen[3][1], before)
    assert_close(seen[2][2], agrad.relu(before))


def test_a_hook_between_may_replace_the_output(device):
    _, model, x = made("linear")
    model[0].register_forward_hook(lambda module, args, output: -output)
    assert_close(model(x), agrad.relu(-model[0].forward(x)))


def test_observers_see_each_op(device):
    _, model, x = made("linear")
    with agrad.profile() as seen:
        model(x).sum().backward()
    assert {row.op for row in seen.rows} == {"linear", "relu", "sum"}
    with agrad.detect_anomaly():
        assert op_of(model(x)) == "relu"


def test_a_summary_shows_each_layer(device):
    assert [layer.output for layer in agrad.summary(made("linear")[1], (4, 6)).layers] == ["(4, 5)"] * 3


class Doubled(nn.Linear):
    def forward(self, input):
        return 2 * super().forward(input)


@pytest.mark.parametrize("kind", ["subclass", "own forward", "no bias", "wider bias", "other activation"])
def test_cases_in_which_layers_are_not_merged(kind, device):
    layer = Doubled(6, 5) if kind == "subclass" else nn.Linear(6, 5, bias=kind != "no bias")
    model = nn.Sequential(layer, nn.Tanh() if kind == "other activation" else nn.ReLU())
    if kind == "own forward":
        layer.forward = lambda input: agrad.zeros(3, requires_grad=True) + 1.0
    if kind == "wider bias":
        if not device.backend.supports_float64 or device.backend.kind in ("strict", "torch"):
            pytest.skip("it adds no float64 to float32 in place")
        layer.bias = nn.Parameter(layer.bias.detach().astype(agrad.float64))
    x = agrad.randn(4, 6)
    assert op_of(model(x)) == ("tanh" if kind == "other activation" else "relu")
    assert_close(model(x), model[1](model[0](x)))


def test_an_error_names_the_layer(device):
    model = nn.Sequential(nn.ReLU(), nn.Linear(6, 5), nn.ReLU())
    with pytest.raises(ValueError, match=r"layer 1 of Sequential, Linear\(in_features=6"):
        model(agrad.ones((4, 7)))


# Transforms


def test_transforms(device):
    layer, model, x = made("linear")
    x = x.detach()
    parameters = {name: p.detach() for name, p in model.state_dict().items()}
    assert_close(agrad.vmap(model)(x), agrad.relu(layer(x)))
    many = {name: agrad.stack([p, 2 * p]) for name, p in parameters.items()}
    both = agrad.vmap(lambda p: model.functional_call(p, x))(many)
    assert_close(both[1], agrad.relu(2 * layer(x)))
    _, tangent = agrad.jvp(model, (x,), (agrad.ones_like(x),))
    assert_close(tangent, agrad.jvp(lambda x: agrad.relu(layer(x)), (x,), (agrad.ones_like(x),))[1])
    slopes = agrad.vmap(agrad.grad(lambda p, x: model.functional_call(p, x).sum()), in_axes=(None, 0))(parameters, x)
    own = agrad.grad(lambda p: model.functional_call(p, x).sum())(parameters)
    for name in parameters:
        assert_close(agrad.sum(slopes[name], axis=0), own[name])


def test_compiled_steps(device):
    _, model, x = made("linear")
    x = x.detach()

    @agrad.compile(state=[model])
    def step(x):
        loss = model(x).sum()
        loss.backward()
        gradients = [p.grad for p in model.parameters()]
        model.zero_grad()
        return loss, gradients

    model(x).sum().backward()
    expected = [p.grad for p in model.parameters()]
    model.zero_grad()
    for _ in range(2):
        _, found = step(x)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
