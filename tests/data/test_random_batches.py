"""Random numbers in the making of batches: repeatable for any number of workers, and apart from those outside."""

import threading
import time

import pytest

import agrad
from agrad.data import DataLoader, Dataset, IterableDataset, RandomSampler, Sampler, Subset, TensorDataset, transforms


@pytest.fixture(autouse=True)
def seeded():
    """Leave the numbers of the process as they were."""
    with agrad.random.fork_rng():
        yield


class Noise(Dataset):
    """Items with noise on them, which take different times to make, so that threads take turns in any order."""

    def __init__(self, n=24):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        before = agrad.rand(1)
        time.sleep(0.0005 * (index * 7 % 4))
        return index + agrad.concat([before, agrad.randn(1)])


class NoisyRows(TensorDataset):
    """Whole batches with noise on them."""

    def __getitem__(self, index):
        (rows,) = super().__getitem__(index)
        time.sleep(0.001 * (int(rows[0].item()) % 3))
        return rows, agrad.rand(rows.shape, device=rows.device)


class NoisyStream(IterableDataset):
    def __iter__(self):
        yield agrad.rand(2)
        with agrad.random.fork_rng():
            agrad.manual_seed(3)
            for _ in range(7):
                yield agrad.rand(2)
        yield agrad.rand(2)


class Walk(Sampler):
    """Draws each index when it is asked for."""

    def __iter__(self):
        return (agrad.randint(24, ()).item() for _ in range(24))


class WalkInBatches(Walk):
    def __iter__(self):
        indices = list(super().__iter__())
        return (indices[: agrad.randint(1, 4, ()).item()] for _ in range(12))


def noisy(items):
    time.sleep(0.001 * (len(items) % 2))
    return agrad.stack(items) + agrad.rand(1)


LOADERS = {
    "items": lambda **settings: DataLoader(Noise(), 3, **settings),
    "shuffled": lambda **settings: DataLoader(Noise(), 3, shuffle=True, **settings),
    "single items": lambda **settings: DataLoader(Noise(), None, shuffle=True, **settings),
    "collate_fn": lambda **settings: DataLoader(list(agrad.ones((24, 2))), 3, collate_fn=noisy, **settings),
    "whole batches": lambda **settings: DataLoader(Subset(NoisyRows(agrad.arange(24)), range(24)), 3, **settings),
    "a stream": lambda **settings: DataLoader(NoisyStream(), 2, **settings),
    "a sampler": lambda **settings: DataLoader(TensorDataset(agrad.arange(24)), 3, sampler=Walk(), **settings),
    "a batch_sampler": lambda **settings: DataLoader(Noise(), batch_sampler=WalkInBatches(), **settings),
    "many rounds": lambda **settings: DataLoader(
        Noise(), 3, sampler=RandomSampler(range(24), num_samples=60), **settings
    ),
}


def epoch(loader):
    """Return all batches as lists, while the loop that takes them draws too."""
    batches = []
    for batch in loader:
        agrad.rand(2)
        batches.append([x.tolist() for x in batch] if isinstance(batch, tuple) else batch.tolist())
    return batches


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_batches_follow_from_manual_seed(device, make):
    def run(workers):
        agrad.manual_seed(5)
        loader = make(num_workers=workers)
        return [epoch(loader), epoch(loader)]

    first = run(0)
    assert first[0] != first[1]
    assert [run(workers) for workers in (1, 2, 4, 2)] == [first] * 4
    agrad.manual_seed(6)
    assert epoch(make(num_workers=2)) != first[0]


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_the_numbers_outside_go_on_as_they_would(device, make):
    agrad.manual_seed(5)
    expected = agrad.rand(3).tolist()
    for workers in (0, 2):
        agrad.manual_seed(5)
        for _ in make(num_workers=workers):
            break
        for _ in make(num_workers=workers, seed=3):
            pass
        assert agrad.rand(3).tolist() == expected


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_a_state_from_between_two_epochs_goes_on_with_the_same_batches(device, make, tmp_path):
    agrad.manual_seed(5)
    loader = make(num_workers=2)
    epoch(loader)
    agrad.save(agrad.random.get_state(), tmp_path / "random.safetensors")
    expected = [epoch(loader), epoch(loader)]
    agrad.manual_seed(99)
    agrad.random.set_state(agrad.load(tmp_path / "random.safetensors"))
    resumed = make(num_workers=1)
    assert [epoch(resumed), epoch(resumed)] == expected


def test_a_state_in_the_middle_of_an_epoch_does_not_depend_on_the_workers(device):
    def state(workers):
        agrad.manual_seed(5)
        batches = iter(DataLoader(Noise(), 3, shuffle=True, num_workers=workers))
        next(batches), agrad.rand(2), next(batches)
        return agrad.random.get_state()

    assert state(0) == state(2)


@pytest.mark.parametrize("name", ["items", "shuffled", "collate_fn", "a stream", "a sampler"])
def test_the_seed_of_a_loader_decides_alone(device, name):
    def run(seed, workers, begun=0):
        loader = LOADERS[name](seed=seed, num_workers=workers)
        loader.epoch = begun
        return [epoch(loader) for _ in range(3 - begun)]

    agrad.manual_seed(1)
    first = run(3, workers=0)
    agrad.manual_seed(2)
    assert run(3, workers=2) == first
    assert run(3, workers=2, begun=1) == first[1:]
    assert run(4, workers=0)[0] != first[0] != first[1]


def test_each_item_has_numbers_of_its_own(device):
    for settings in ({}, {"seed": 0}):
        loader = DataLoader(Noise(), 3, num_workers=2, **settings)
        rows = [row for _ in range(2) for batch in epoch(loader) for row in batch]
        drawn = {round(noise - i % 24, 4) for i, (_, noise) in enumerate(rows)}
        assert 45 < len(drawn) <= len(rows) == 48  # a few may be near each other


class Seeding(Dataset):
    """Starts over for each item, and notes what it finds."""

    def __init__(self):
        self.states = [None] * 6

    def __len__(self):
        return 6

    def __getitem__(self, index):
        self.states[index] = agrad.random.get_state()
        agrad.manual_seed(index)
        return agrad.rand(2)


@pytest.mark.parametrize("workers", [0, 2])
def test_manual_seed_and_get_state_in_there_are_about_the_batch(device, workers):
    expected = []
    for i in range(6):
        agrad.manual_seed(i)
        expected.append(agrad.rand(2).tolist())
    agrad.manual_seed(7)
    before, data = agrad.random.get_state(), Seeding()
    assert [x.tolist() for x in DataLoader(data, None, num_workers=workers)] == expected
    assert agrad.random.get_state() == {**before, "spawned": 1}
    assert len({state["seed"] for state in data.states}) == 6
    assert 7 not in {state["seed"] for state in data.states}


def test_a_loader_in_an_item_of_another(device):
    class Nested(Noise):
        def __getitem__(self, index):
            return agrad.concat([x.reshape(-1) for x in DataLoader(Noise(4), 2, shuffle=True, num_workers=index % 2)])

    def run(workers):
        agrad.manual_seed(0)
        return epoch(DataLoader(Nested(6), 2, num_workers=workers))

    assert run(0) == run(2)


# Transforms with a seed of their own


def pictures(items):
    return agrad.stack([agrad.reshape(x, (1, 4, 4)) for x in items])


@pytest.mark.parametrize("make", [transforms.RandomShift, lambda n, seed: transforms.RandomHorizontalFlip(0.5, seed)])
def test_threads_share_a_transform_with_a_seed(device, make):
    def run(workers, begun=0):
        agrad.manual_seed(workers)  # does not matter
        shift = make(2, seed=3)

        def collate(items):
            time.sleep(0.001 * (int(items[0][0].item()) % 3))
            with agrad.random.fork_rng():
                once = shift(pictures(items))
            return shift(once)

        loader = DataLoader(list(agrad.reshape(agrad.arange(24 * 16), (24, 16))), 4, num_workers=workers)
        loader.collate_fn, loader.epoch = collate, begun
        batches = [epoch(loader) for _ in range(2 - begun)]
        outside = shift(pictures(agrad.reshape(agrad.arange(64), (4, 16)))).tolist()
        return batches, outside

    first, outside = run(0)
    assert first[0] != first[1]
    assert [run(workers) for workers in (1, 3, 3)] == [(first, outside)] * 3
    assert run(2, begun=1)[0] == first[1:]


def test_a_transform_made_for_one_item_follows_from_its_seed_alone(device):
    class Fixed(Noise):
        def __getitem__(self, index):
            image = agrad.reshape(agrad.arange(16) + 1, (1, 1, 4, 4))
            flip = transforms.RandomShift(2, seed=index)
            return agrad.stack([flip(image), flip(image)])

    plain = [Fixed()[i].tolist() for i in range(24)]
    for workers in (0, 2):
        loader = DataLoader(Fixed(), None, num_workers=workers)
        assert epoch(loader) == epoch(loader) == plain


# The contexts themselves


@pytest.mark.parametrize("workers", [0, 1])
def test_contexts_that_a_stream_enters_end_with_it(device, workers):
    seen = []

    class Quiet(IterableDataset):
        def __iter__(self):
            with agrad.no_grad(), agrad.Device("strict:device1"):
                for i in range(4):
                    seen.append((agrad.is_grad_enabled(), agrad.get_device().name))
                    yield i
            seen.append((agrad.is_grad_enabled(), agrad.get_device().name))

    for stop in (False, True):
        for _ in DataLoader(Quiet(), None, num_workers=workers):
            assert (agrad.is_grad_enabled(), agrad.get_device()) == (True, device)
            if stop:
                break
        assert (agrad.is_grad_enabled(), agrad.get_device()) == (True, device)
    assert seen[:5] == [(False, "strict:device1")] * 4 + [(True, device.name)]


def test_a_stream_is_opened_where_it_is_read():
    threads = []

    class Opened(IterableDataset):
        def __iter__(self):
            threads.append(threading.current_thread())
            return iter([1, 2])

    list(DataLoader(Opened(), None, num_workers=1))
    list(DataLoader(Opened(), None))
    assert [thread is threading.main_thread() for thread in threads] == [False, True]
