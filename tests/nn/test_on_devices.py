"""Layers give the same values and gradients on each device as on the CPU, where tests/peers compares with PyTorch's."""

import pytest

import agrad
from agrad import nn
from agrad.testing import assert_close


class With(nn.Module):
    """A layer of two inputs, one of them a constant and one reversed."""

    def __init__(self, layer, constant):
        super().__init__()
        self.layer, self.constant = layer, constant

    def forward(self, x):
        return self.layer(x, agrad.flip(x, axis=1) + self.constant)


LAYERS = {
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1), (2, 4, 9)),
    "conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), stride=2, dilation=2, groups=2), (2, 4, 9, 8)),
    "conv2d same": (lambda: nn.Conv2d(4, 6, 4, padding="same", padding_mode="reflect"), (2, 4, 9, 8)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1, padding=1), (2, 4, 5, 5)),
    "conv3d": (lambda: nn.Conv3d(2, 4, (1, 3, 2), padding=1, groups=2, padding_mode="replicate"), (2, 2, 3, 4, 5)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, dilation=2), (2, 4, 5)),
    "conv_transpose3d": (lambda: nn.ConvTranspose3d(2, 3, 2, stride=(1, 2, 1)), (2, 2, 3, 4, 5)),
    "reflection_pad2d": (lambda: nn.ReflectionPad2d((2, 0, 1, 3)), (2, 3, 4, 5)),
    "replication_pad3d": (lambda: nn.ReplicationPad3d((1, 0, 2, 0, 0, 3)), (2, 3, 2, 3, 2)),
    "circular_pad1d": (lambda: nn.CircularPad1d((4, 2)), (2, 3, 4)),
    "zero_pad2d": (lambda: nn.ZeroPad2d((-1, 2, 1, -2)), (2, 3, 4, 5)),
    "constant_pad3d": (lambda: nn.ConstantPad3d(1, 0.5), (2, 3, 4)),
    "max_pool1d": (lambda: nn.MaxPool1d(3, stride=2), (2, 4, 9)),
    "max_pool2d": (lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 4, 9, 8)),
    "avg_pool1d": (lambda: nn.AvgPool1d(2), (2, 4, 9)),
    "avg_pool2d": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 4, 9, 8)),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d((4, 3)), (2, 4, 9, 8)),
    "nearest": (lambda: nn.Upsample(7), (2, 3, 4, 5)),
    "bilinear": (lambda: nn.Upsample(scale_factor=(2.5, 0.5), mode="bilinear"), (2, 3, 4, 5)),
    "trilinear": (lambda: nn.Upsample((2, 5, 3), mode="trilinear", align_corners=True), (2, 3, 4, 3, 2)),
    "bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), (2, 3, 4, 5)),
    "batch_norm1d": (lambda: nn.BatchNorm1d(4), (5, 4)),
    "batch_norm2d": (lambda: nn.BatchNorm2d(4, momentum=None), (5, 4, 3, 2)),
    "batch_norm eval": (lambda: nn.BatchNorm2d(4).eval(), (5, 4, 3, 2)),
    "batch_norm3d": (lambda: nn.BatchNorm3d(2), (3, 2, 2, 3, 2)),
    "instance_norm1d": (lambda: nn.InstanceNorm1d(4, affine=True, track_running_stats=True), (5, 4, 3)),
    "instance_norm2d": (lambda: nn.InstanceNorm2d(4), (5, 4, 3, 2)),
    "instance_norm3d eval": (lambda: nn.InstanceNorm3d(2, track_running_stats=True).eval(), (3, 2, 2, 3, 2)),
    "layer_norm": (lambda: nn.LayerNorm((3, 4)), (5, 3, 4)),
    "group_norm": (lambda: nn.GroupNorm(2, 4), (5, 4, 3)),
    "rms_norm": (lambda: nn.RMSNorm(4), (5, 4)),
    "prelu": (lambda: nn.PReLU(4), (5, 4, 3)),
    "leaky_relu": (nn.LeakyReLU, (5, 4)),
    "elu": (nn.ELU, (5, 4)),
    "gelu": (nn.GELU, (5, 4)),
    "silu": (nn.SiLU, (5, 4)),
    "softplus": (lambda: nn.Softplus(2.0, 1.0), (5, 4)),
    "hardtanh": (nn.Hardtanh, (5, 4)),
    "log_softmax": (lambda: nn.LogSoftmax(0), (5, 4)),
    "cosine": (lambda: With(nn.CosineSimilarity(), 0.5), (5, 4)),
    "distance": (lambda: With(nn.PairwiseDistance(3.0, keepdim=True), 0.5), (5, 4)),
    "unflatten": (lambda: nn.Unflatten(1, (2, 2)), (5, 4)),
}


def run(layer, x):
    x = x.detach().requires_grad_()
    out = layer(x)
    (out * agrad.exp(0.1 * out)).sum().backward()
    return [out, x.grad, *(p.grad for p in layer.parameters()), *(b.astype(agrad.float32) for b in layer.buffers())]


@pytest.mark.parametrize("name", LAYERS)
def test_as_on_the_cpu(device, name):
    make, shape = LAYERS[name]
    with agrad.Device("cpu"):
        agrad.manual_seed(0)
        reference = make()
        x = agrad.randn(*shape)
        expected = run(reference, x)
        reference = make() if list(reference.buffers()) else reference  # its record has changed
    layer = make()
    layer.load_state_dict(reference.state_dict())
    found = run(layer, x.to(device))
    for ours, other in zip(found, expected, strict=True):
        assert ours.device is device
        assert_close(ours.detach(), other.detach().numpy(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(("layer", "shape"), [(nn.Dropout(0.25), (400, 10)), (nn.Dropout2d(0.25), (400, 10, 2, 3))])
def test_dropout(device, layer, shape):
    agrad.manual_seed(1)
    x = agrad.ones(shape, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert_close(x.grad, out.detach().numpy())
    kept = out.detach().numpy().reshape(4000, -1)
    assert set(kept.ravel().astype(float).round(4).tolist()) == {0.0, 1.3333}
    assert (kept == kept[:, :1]).all()
    assert abs((kept == 0).mean() - 0.25) < 0.03
    assert layer.eval()(x) is x
    layer.train()
    agrad.manual_seed(1)
    assert layer(x).tolist() == out.tolist()


def test_dropout_of_all_and_of_none(device):
    x = agrad.ones(3)
    assert nn.Dropout(1.0)(x).tolist() == [0.0] * 3
    assert nn.Dropout(0.0)(x).tolist() == [1.0] * 3
    with pytest.raises(ValueError, match="p must be from 0 to 1"):
        nn.Dropout(1.5)


def test_embedding(device):
    layer = nn.Embedding(4, 2, padding_idx=1)
    assert layer.weight[1].tolist() == [0.0, 0.0]
    layer(agrad.asarray([[0, 1], [0, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    if device.kind != "jax" and not device.backend.waits_on_read(device.native):
        for wrong in (4, -1):
            with pytest.raises(IndexError):
                layer(agrad.asarray([wrong]))
    with pytest.raises(TypeError, match="integers"):
        layer(agrad.asarray([1.0]))
    with pytest.raises(IndexError, match="padding_idx"):
        nn.Embedding(4, 2, padding_idx=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.BatchNorm1d(3)(agrad.ones((2, 4))), r"\(batch, 3\) or \(batch, 3, n\), not \(2, 4\)"),
        (lambda: nn.BatchNorm2d(3)(agrad.ones((2, 3))), r"\(batch, 3, n, n\)"),
        (lambda: nn.BatchNorm1d(3)(agrad.ones((1, 3))), "more than one value per channel"),
        (lambda: nn.functional.batch_norm(agrad.ones((2, 3)), None, None), "running_mean"),
        (lambda: nn.InstanceNorm1d(3)(agrad.ones((2, 4, 5))), r"\(batch, 3, n\), or without.*\(2, 4, 5\)"),
        (lambda: nn.InstanceNorm2d(3)(agrad.ones((2, 3, 1, 1))), "more than one value per channel"),
        (lambda: nn.functional.instance_norm(agrad.ones((2, 3))), r"\(batch, channels, length, \.\.\.\)"),
        (lambda: nn.functional.instance_norm(agrad.ones((2, 3, 4)), use_input_stats=False), "running_mean"),
        (lambda: nn.functional.batch_norm(agrad.ones((2, 3)), None, None, agrad.ones(2)), "weight must have"),
        (lambda: nn.LayerNorm(3)(agrad.ones((3, 2))), r"\(\.\.\., 3\)"),
        (lambda: nn.GroupNorm(2, 3), "num_groups=2 must divide"),
        (lambda: nn.GroupNorm(1, 3)(agrad.ones((1, 2))), r"\(batch, 3, \.\.\.\)"),
        (lambda: nn.PReLU(2)(agrad.ones((1, 3))), r"weight must have shape \(1,\) or \(3,\)"),
        (lambda: nn.Hardtanh(1.0, 0.0), "max_val must be 1.0 or more, not 0.0"),
        (lambda: nn.Unflatten(1, (2, -1))(agrad.ones((1, 3))), "cannot be unflattened"),
        (lambda: nn.Bilinear(2, 3, 4)(agrad.ones((5, 2)), agrad.ones((4, 3))), "else equal"),
    ],
)
def test_errors_say_what_is_wrong(device, call, message):
    with pytest.raises(ValueError, match=message):
        call()
