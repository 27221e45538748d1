"""A training that was stopped and goes on from its checkpoint ends as one that was never stopped, bit for bit."""

import pytest

import agrad
from agrad import nn, optim
from agrad.data import DataLoader, TensorDataset
from agrad.optim import lr_scheduler
from agrad.optim.swa_utils import AveragedModel, get_ema_avg_fn

SCHEDULERS = {
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.01, epochs=4, steps_per_epoch=5),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, total_iters=4), lr_scheduler.CosineAnnealingLR(o, 12)], [4]
    ),
}
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.01, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, amsgrad=True),
    "AdamW": optim.AdamW,
    "NAdam": optim.NAdam,
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.9, centered=True),
}


class Training:
    """A net with noise as from dropout, and all that changes while it is trained."""

    def __init__(self, optimizer, scheduler):
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        self.optimizer = OPTIMIZERS[optimizer](self.net.parameters())
        self.scheduler = SCHEDULERS[scheduler](self.optimizer)
        self.average = AveragedModel(self.net, avg_fn=get_ema_avg_fn(0.9))
        rows = agrad.linspace(-1, 1, 19 * 3).reshape(19, 3)
        self.loader = DataLoader(TensorDataset(rows, rows[:, :1] ** 2), batch_size=4, shuffle=True, seed=3)

    def epoch(self):
        losses = []
        for x, y in self.loader:
            kept = agrad.bernoulli(0.8, size=x.shape)
            loss = nn.MSELoss()(self.net(x * kept / 0.8), y)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 0.5)
            self.optimizer.step()
            self.scheduler.step()
            self.average.update_parameters(self.net)
            losses.append(loss.item())
        return losses

    def parts(self):
        return {name: part for name, part in vars(self).items() if hasattr(part, "state_dict")}

    def save(self, path):
        state = {name: part.state_dict() for name, part in self.parts().items()}
        agrad.save({**state, "random": agrad.random.get_state(), "epoch": self.loader.epoch}, path)

    def load(self, path):
        state = agrad.load(path)
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        agrad.random.set_state(state["random"])
        self.loader.epoch = state["epoch"]

    def weights(self):
        return [x.tolist() for model in (self.net, self.average) for x in model.state_dict().values()]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_as_if_never_stopped(device, tmp_path, optimizer, scheduler):
    agrad.manual_seed(0)
    whole = Training(optimizer, scheduler)
    for _ in range(2):
        whole.epoch()
    whole.save(tmp_path / "checkpoint.safetensors")
    expected = [whole.epoch() for _ in range(2)]
    agrad.manual_seed(99)
    resumed = Training(optimizer, scheduler)
    resumed.load(tmp_path / "checkpoint.safetensors")
    assert [resumed.epoch() for _ in range(2)] == expected
    assert resumed.weights() == whole.weights()
