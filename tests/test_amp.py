"""Mixed precision: autocast, the scaler of losses, and the master weights that optimizers keep of 16-bit parameters."""

import math

import numpy as np
import pytest

import agrad
from agrad import nn, optim
from agrad.amp import GradScaler, autocast
from agrad.nn import functional as F
from agrad.testing import assert_close


@pytest.fixture(params=["float16", "bfloat16"])
def dtype(request, device):
    if not hasattr(device.xp, request.param):
        pytest.skip(f"{device} has no {request.param}")
    return request.param


def samples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4)).astype(np.float32)
    return x, (np.sin(2 * x[:, 0]) * x[:, 1] > 0).astype(np.int64)


def network():
    agrad.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))


def trained(model, context, scaler, steps=60):
    """Train, and return the loss at the end, computed in float32."""
    x, target = map(agrad.asarray, samples())
    inner = model[0].weight.dtype
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        with context():
            loss = F.cross_entropy(model(x.astype(inner)), target)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return F.cross_entropy(model.to(agrad.float32)(x), target).item()


def test_training_reaches_the_loss_of_float32(device, dtype):
    if (device.kind, dtype) == ("jax", "float16"):
        pytest.skip("jax compiles each op: bfloat16 takes long enough")
    off = GradScaler(enabled=False)
    single = trained(network(), lambda: autocast(enabled=False), off)
    assert single < 0.25  # from 0.7
    mixed = trained(network(), lambda: autocast(dtype), GradScaler())
    half = trained(network().to(getattr(agrad, dtype)), lambda: autocast(enabled=False), GradScaler())
    assert abs(mixed - single) < 0.05
    assert abs(half - single) < 0.05


# autocast


def test_products_are_narrow_and_sums_are_wide(device, dtype):
    layer, x = nn.Linear(3, 2), agrad.ones((4, 3))
    with autocast(dtype):
        y = layer(x)
        product = x @ layer.weight.mT
        convolved = F.conv1d(x[None], agrad.ones((1, 4, 2)))
        total, loss, shares = y.sum(), F.mse_loss(y, agrad.zeros((4, 2))), F.softmax(y, -1)
        double = x.astype(agrad.float64) @ x.astype(agrad.float64).mT if device.kind != "jax" else None
    assert {z.dtype.name for z in (y, product, convolved)} == {dtype}
    assert {z.dtype.name for z in (total, loss, shares)} == {"float32"}
    assert double is None or double.dtype.name == "float64"
    assert layer(x).dtype.name == "float32"
    loss.backward()
    assert layer.weight.grad.dtype.name == "float32"


def test_gradients_through_casts_are_those_of_float32(device, dtype):
    x, w = agrad.rand(5, 3), agrad.rand(2, 3, requires_grad=True)
    (exact,) = agrad.gradients(F.linear(x, w).sum(), w)
    with autocast(dtype):
        y = F.linear(x, w).sum()
    (found,) = agrad.gradients(y, w, create_graph=True)
    assert_close(found.detach(), exact, rtol=2e-2)


def test_it_is_seen_by_other_observers_once(device, dtype):
    x = agrad.ones((2, 2))
    with agrad.profile() as seen, autocast(dtype):
        y = x @ x
    assert y.dtype.name == dtype
    assert {row.op: row.calls for row in seen.rows} == {"matmul": 1, "cast": 2}


def test_a_block_that_is_not_enabled_changes_nothing(device):
    with autocast("float16", enabled=False):
        assert (agrad.ones((2, 2)) @ agrad.ones((2, 2))).dtype.name == "float32"


@pytest.mark.parametrize("wrong", ["cuda", agrad.float32, "float64", 16])
def test_it_takes_a_dtype_of_16_bits(wrong):
    with pytest.raises(ValueError, match=r"autocast\('bfloat16'\) or autocast\('float16'\), not"):
        autocast(wrong)


def test_numpy_has_no_bfloat16():
    x = agrad.ones((2, 2), device="cpu")
    with autocast(), pytest.raises(TypeError, match="has no dtype bfloat16"):
        x @ x


# The scaler


def parameter(dtype="float32"):
    return nn.Parameter(agrad.ones(2, dtype=dtype))


def step(scaler, optimizer, p, gradient):
    p.grad = agrad.full(2, gradient, dtype=p.dtype)
    scaler.step(optimizer)
    scaler.update()


def test_gradients_that_would_vanish_in_float16_are_kept(device, dtype):
    if dtype == "bfloat16":
        pytest.skip("bfloat16 has the range of float32")
    w, tiny = agrad.tensor(1.0, dtype=dtype, requires_grad=True), agrad.asarray(1e-5, dtype=dtype)
    (w * tiny * tiny).backward()
    assert w.grad.item() == 0.0
    w.grad = None
    scaler, optimizer = GradScaler(2.0**15), optim.SGD([w], lr=1.0)
    scaler.scale(w * tiny * tiny).backward()
    scaler.unscale_(optimizer)
    assert w.grad.dtype.name == "float32"
    assert_close(1e10 * w.grad.item(), 1.0, rtol=5e-2)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_steps_with_overflow_are_skipped(device, bad):
    p, q = parameter(), parameter()
    scaler, optimizer = GradScaler(8.0), optim.Adam([p, q], lr=0.5)
    q.grad = agrad.ones(2)
    step(scaler, optimizer, p, bad)
    assert p.tolist() == q.tolist() == [1.0, 1.0]
    assert not optimizer.state[p]
    assert scaler.get_scale() == 4.0
    q.grad = agrad.ones(2)
    step(scaler, optimizer, p, 4.0)
    assert_close(p.tolist(), [0.5, 0.5], rtol=1e-5)
    assert scaler.get_scale() == 4.0


def test_the_scale_grows_after_an_interval(device):
    p = parameter()
    scaler, optimizer = GradScaler(4.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=2), optim.SGD([p])
    scales = []
    for gradient in (1.0, 1.0, 1.0, math.inf, 1.0, 1.0):
        step(scaler, optimizer, p, gradient)
        scales.append(scaler.get_scale())
    assert scales == [4.0, 12.0, 12.0, 3.0, 3.0, 9.0]


def test_clipping_sees_unscaled_gradients(device):
    p = parameter()
    scaler, optimizer = GradScaler(64.0), optim.SGD([p], lr=1.0)
    scaler.scale((p * agrad.asarray([3.0, 4.0])).sum()).backward()
    scaler.unscale_(optimizer)
    assert_close(nn.utils.clip_grad_norm_([p], 1.0).item(), 5.0)
    scaler.step(optimizer)
    scaler.update()
    assert_close(p.tolist(), [0.4, 0.2], rtol=1e-5)


def test_wrong_orders_are_refused(device):
    p = parameter()
    scaler, optimizer = GradScaler(), optim.SGD([p])
    with pytest.raises(RuntimeError, match=r"write scaler.step\(optimizer\) first"):
        scaler.update()
    p.grad = agrad.ones(2)
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already unscaled"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"write scaler.update\(\) after it"):
        scaler.step(optimizer)


@pytest.mark.parametrize(
    "wrong", [{"init_scale": 0.0}, {"growth_factor": 1.0}, {"backoff_factor": 1.0}, {"growth_interval": 0}]
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GradScaler(**wrong)


def test_a_scaler_that_is_not_enabled_does_nothing(device):
    p = parameter()
    scaler, optimizer = GradScaler(enabled=False), optim.SGD([p], lr=1.0)
    loss = p.sum()
    assert scaler.scale(loss) is loss
    step(scaler, optimizer, p, 0.5)
    assert p.tolist() == [0.5, 0.5]
    assert (scaler.get_scale(), scaler.state_dict()) == (1.0, {})


def test_its_state_is_saved_and_loaded(device, tmp_path):
    p = parameter()
    scaler, optimizer = GradScaler(8.0, growth_interval=2), optim.SGD([p])
    step(scaler, optimizer, p, 1.0)
    agrad.save(scaler.state_dict(), tmp_path / "scaler")
    other = GradScaler()
    other.load_state_dict(agrad.load(tmp_path / "scaler"))
    step(other, optimizer, p, 1.0)
    assert other.get_scale() == 16.0
    with pytest.raises(ValueError, match="lacks"):
        other.load_state_dict({})


def test_a_scheduler_does_not_warn_of_a_skipped_first_step(device):
    p = parameter()
    scaler, optimizer = GradScaler(), optim.SGD([p], lr=1.0)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1)
    step(scaler, optimizer, p, math.inf)
    scheduler.step()


@pytest.mark.peers
def test_the_scale_is_pytorchs():
    torch = pytest.importorskip("torch")
    p, q = parameter(), torch.nn.Parameter(torch.ones(2))
    settings = {"init_scale": 16.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 3}
    ours, theirs = GradScaler(**settings), torch.amp.GradScaler("cpu", **settings)
    optimizers = optim.SGD([p], lr=0.1), torch.optim.SGD([q], lr=0.1)
    rng = np.random.default_rng(1)
    for gradient in rng.choice([1.0, 2.0, math.inf, math.nan], 40, p=[0.5, 0.3, 0.1, 0.1]):
        loss = theirs.scale(torch.ones(()))  # without a scaled loss, PyTorch has no scale yet
        assert loss.item() == ours.get_scale()
        q.grad = torch.full((2,), float(gradient))
        theirs.step(optimizers[1])
        theirs.update()
        step(ours, optimizers[0], p, float(gradient))
        assert ours.get_scale() == theirs.get_scale()
        assert_close(p.tolist(), q.tolist(), rtol=1e-6)


# Master weights


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.Lion])
def test_small_updates_add_up(device, dtype, make):
    narrow, wide = parameter(dtype), parameter()
    optimizers = [make([p], lr=1e-4, weight_decay=0.0) for p in (narrow, wide)]
    for _ in range(200):
        for p, optimizer in zip((narrow, wide), optimizers, strict=True):
            p.grad = agrad.ones(2, dtype=p.dtype)
            optimizer.step()
    master = optimizers[0].state[narrow]["master"]
    assert_close(master.tolist(), wide.tolist(), rtol=1e-6)
    assert narrow.tolist() == wide.astype(narrow.dtype).tolist()


def test_a_parameter_that_was_written_to_gets_new_master_weights(device, dtype):
    p = parameter(dtype)
    optimizer = optim.SGD([p], lr=2**-12)
    p.grad = agrad.ones(2, dtype=dtype)
    optimizer.step()
    with agrad.no_grad():
        p[0] = 3.0
    optimizer.step()
    assert optimizer.state[p]["master"].tolist() == [3.0 - 2**-12, 1.0 - 2**-11]


def test_master_weights_are_saved_and_loaded(device, dtype):
    p = parameter(dtype)
    optimizer = optim.SGD([p], lr=2**-12)
    p.grad = agrad.ones(2, dtype=dtype)
    optimizer.step()
    other = optim.SGD([p], lr=2**-12)
    other.load_state_dict(optimizer.state_dict())
    other.step()
    assert other.state[p]["master"].tolist() == [1.0 - 2**-11] * 2


def test_a_scaler_takes_no_device():
    with pytest.raises(TypeError, match=r"takes none, not 'cuda'; write GradScaler\(\)"):
        agrad.amp.GradScaler("cuda")


def test_losses_are_float32(device):
    if not hasattr(device.xp, "float16"):
        pytest.skip("it has no float16")
    scores, classes = agrad.asarray([[2.0, 1.0], [0.0, 3.0]], dtype=agrad.float16), agrad.asarray([0, 1])
    losses = {
        "indices": lambda: F.cross_entropy(scores, classes),
        "smoothed": lambda: F.cross_entropy(scores, classes, label_smoothing=0.1),
        "large": lambda: F.cross_entropy(-20000.0 * scores, classes, reduction="sum"),
        "probabilities": lambda: F.cross_entropy(scores, F.softmax(scores, 1)),
        "huber": lambda: F.huber_loss(scores, 0 * scores),
        "smooth": lambda: F.smooth_l1_loss(scores, 0 * scores),
        "mse": lambda: F.mse_loss(scores, 0 * scores),
    }
    for name, loss in losses.items():
        with agrad.autocast("float16"):
            found = loss()
            assert found.dtype == agrad.float32, name
            assert agrad.isfinite(found).item(), name
        assert loss().dtype == agrad.float16, name
