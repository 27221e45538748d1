"""Samplers, alone and in a DataLoader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agrad
from agrad.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

LETTERS = "abcdefghij"


def numbers(n):
    return TensorDataset(agrad.arange(n))


# Orders


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: RandomSampler(LETTERS, seed=seed),
        lambda seed: RandomSampler(LETTERS, replacement=True, num_samples=30, seed=seed),
        lambda seed: RandomSampler(LETTERS, num_samples=25, seed=seed),
        lambda seed: WeightedRandomSampler(range(1, 11), 30, seed=seed),
        lambda seed: WeightedRandomSampler(range(1, 11), 9, replacement=False, seed=seed),
    ],
    ids=["random", "replacement", "more", "weighted", "weighted without replacement"],
)
def test_orders_follow_from_seed_and_epoch(make):
    one, two, other = make(3), make(3), make(4)
    orders = [list(one) for _ in range(3)]
    assert [list(two) for _ in range(3)] == orders
    assert orders[0] != orders[1]
    assert list(other) != orders[0]
    two.set_epoch(1)
    assert list(two) == orders[1]
    assert all(len(order) == len(one) for order in orders)
    free = make(None)
    agrad.manual_seed(0)
    first = [list(free), list(free)]
    agrad.manual_seed(0)
    assert [list(free), list(free)] == first
    assert first[0] != first[1]


def test_random_sampler():
    assert sorted(RandomSampler(LETTERS)) == [*range(10)]
    assert sorted([*RandomSampler(LETTERS, num_samples=25)][:20]) == sorted([*range(10)] * 2)
    assert len(set(RandomSampler(LETTERS, num_samples=4))) == 4
    drawn = list(RandomSampler(LETTERS, replacement=True, num_samples=1000, seed=0))
    assert set(drawn) == {*range(10)}
    assert list(RandomSampler("")) == []


@pytest.mark.parametrize("replacement", [True, False])
def test_weights_are_probabilities(replacement):
    weights = [0.0, 1.0, 2.0, 0.0, 5.0]
    sampler = WeightedRandomSampler(weights, 1, replacement, seed=0)
    counts = [0] * 5
    for _ in range(4000):
        counts[next(iter(sampler))] += 1
    assert counts == [0, pytest.approx(500, rel=0.15), pytest.approx(1000, rel=0.1), 0, pytest.approx(2500, rel=0.05)]


def test_weights_without_replacement_take_each_once():
    sampler = WeightedRandomSampler(agrad.asarray([1.0, 0.0, 1e-6, 100.0]), 3, replacement=False, seed=1)
    assert all(sorted(sampler) == [0, 2, 3] for _ in range(20))


def test_weights_may_be_on_any_device(device):
    sampler = WeightedRandomSampler(agrad.asarray([0.0, 1.0]), 3)
    assert list(sampler) == [1, 1, 1]


@pytest.mark.parametrize(
    ("weights", "settings", "message"),
    [
        ([1.0, -1.0], {}, "finite and 0 or more"),
        ([1.0, float("nan")], {}, "finite"),
        ([[1.0]], {}, "one-dimensional"),
        ([0.0, 0.0], {}, "1 or more entries above 0"),
        ([1.0, 0.0], {"replacement": False}, "2 or more entries above 0 to draw from, not 1"),
        ([1.0], {"num_samples": 0}, "num_samples must be 1 or more"),
    ],
)
def test_bad_weights(weights, settings, message):
    with pytest.raises(ValueError, match=message):
        WeightedRandomSampler(weights, **{"num_samples": 2, **settings})


@pytest.mark.parametrize("n", [10, 11, 12, 3, 1])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
def test_shares(n, shuffle, drop_last):
    samplers = [DistributedSampler(range(n), 4, rank, shuffle, drop_last=drop_last) for rank in range(4)]
    shares = [list(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])} == {n // 4 if drop_last else -(-n // 4)}
    together = [i for share in shares for i in share]
    assert len(set(together)) == (len(together) if drop_last else n)
    for sampler in samplers:
        sampler.set_epoch(1)
    assert {i for sampler in samplers for i in sampler} <= set(range(n))
    if shuffle and n == 12:
        assert [list(sampler) for sampler in samplers] != shares


def test_bad_shares():
    with pytest.raises(ValueError, match="rank must be from 0 to 3, not 4"):
        DistributedSampler(LETTERS, 4, 4)
    with pytest.raises(ValueError, match="num_replicas"):
        DistributedSampler(LETTERS, 0, 0)


def test_batches_of_a_sampler():
    assert list(BatchSampler(SequentialSampler(LETTERS), 4, drop_last=True)) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    sampler = BatchSampler(RandomSampler(LETTERS, seed=0), 4, drop_last=False)
    assert [len(batch) for batch in sampler] == [4, 4, 2]
    assert len(sampler) == 3
    with pytest.raises(ValueError, match="batch_size"):
        BatchSampler(range(10), 0, False)


def test_a_sampler_without_order_says_so():
    with pytest.raises(NotImplementedError, match="__iter__"):
        iter(Sampler())


# In a loader


def data_sets(n):
    return [numbers(n), [(i,) for i in range(n)], Subset(numbers(2 * n), range(n))]


def test_a_sampler_decides_about_the_order(device):
    for data in data_sets(10):
        loader = DataLoader(data, batch_size=4, sampler=[9, 0, 3, 3, 5])
        assert [batch[0].tolist() for batch in loader] == [[9, 0, 3, 3], [5]]
        assert len(loader) == 2
        loader = DataLoader(data, 4, sampler=iter([9, 0, 3, 3, 5]), drop_last=True)
        assert [batch[0].tolist() for batch in loader] == [[9, 0, 3, 3]]


def test_a_loader_takes_the_share_of_a_process(device):
    data = TensorDataset(agrad.arange(7, device=device))
    for rank in (0, 1):
        sampler = DistributedSampler(data, 2, rank, seed=3)
        sampler.set_epoch(2)
        batches = [x.tolist() for (x,) in DataLoader(data, 2, sampler=sampler)]
        one_by_one = [x.tolist() for (x,) in DataLoader(data, 2, sampler=list(sampler))]
        assert batches == one_by_one
        assert sum(map(len, batches)) == 4


def test_a_batch_sampler_decides_alone(device):
    for data in data_sets(10):
        loader = DataLoader(data, batch_sampler=[[1, 2], [0], [9, 9, 9]])
        assert [batch[0].tolist() for batch in loader] == [[1, 2], [0], [9, 9, 9]]
        assert len(loader) == 3


def test_single_items(device):
    assert list(DataLoader("abc", batch_size=None)) == ["a", "b", "c"]
    assert list(DataLoader("abc", batch_size=None, sampler=[2, 0])) == ["c", "a"]
    assert list(DataLoader("abc", batch_size=None, collate_fn=str.upper)) == ["A", "B", "C"]
    assert len(DataLoader("abc", batch_size=None)) == 3
    shapes = [x.shape for (x,) in DataLoader(numbers(3), batch_size=None, shuffle=True)]
    assert shapes == [(), (), ()]


def test_a_collate_function_gets_the_items(device):
    (batch,) = DataLoader(numbers(3), batch_size=3, collate_fn=lambda items: [x.item() for (x,) in items])
    assert batch == [0, 1, 2]
    assert list(DataLoader("abc", 2, collate_fn="".join)) == ["ab", "c"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shuffle": True, "sampler": [0]}, "leave out shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "leave out drop_last"),
        ({"num_workers": -1}, "num_workers"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor"),
    ],
)
def test_settings_that_contradict_each_other(settings, message):
    with pytest.raises(ValueError, match=message):
        DataLoader(numbers(3), **settings)


@pytest.mark.property
@given(
    n=st.integers(0, 40),
    size=st.integers(1, 12),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    workers=st.integers(0, 2),
    kind=st.integers(0, 2),
)
def test_every_item_comes_once(device, n, size, shuffle, drop_last, workers, kind):
    data = data_sets(n)[kind]
    loader = DataLoader(data, size, shuffle, drop_last=drop_last, num_workers=workers)
    lengths = [len(batch[0]) for batch in loader]
    seen = [i for batch in loader for i in batch[0].tolist()]
    assert len(lengths) == len(loader)
    assert all(length == size for length in (lengths if drop_last else lengths[:-1]))
    assert len(set(seen)) == len(seen) == sum(lengths) == (n // size * size if drop_last else n)
    assert set(seen) <= set(range(n))
