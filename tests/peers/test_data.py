"""Samplers and splits beside PyTorch's, where no random number decides."""

import pytest

from agrad import data

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replicas", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 7, 10, 12])
def test_pytorchs_shares(n, replicas, drop_last):
    for rank in range(replicas):
        settings = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
        theirs = torch.utils.data.DistributedSampler(range(n), **settings)
        mine = data.DistributedSampler(range(n), **settings)
        assert list(mine) == list(theirs)
        assert len(mine) == len(theirs)


@pytest.mark.parametrize("lengths", [[0.5, 0.5], [0.3, 0.3, 0.4], [0.9, 0.1], [4, 7], [0.05, 0.95]])
def test_pytorchs_lengths(lengths):
    mine, theirs = data.random_split(range(11), lengths), torch.utils.data.random_split(range(11), lengths)
    assert [len(part) for part in mine] == [len(part) for part in theirs]


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 3},
        {"batch_size": 3, "drop_last": True},
        {"sampler": [4, 2, 2], "batch_size": 2},
        {"batch_sampler": [[1, 2], [5]]},
        {"batch_size": None},
        {"batch_size": 2, "collate_fn": sum},
    ],
    ids=str,
)
def test_pytorchs_batches(settings):
    mine, theirs = (module.DataLoader(range(7), **settings) for module in (data, torch.utils.data))
    plain = [batch.tolist() if hasattr(batch, "tolist") else batch for batch in mine]
    assert plain == [batch.tolist() if hasattr(batch, "tolist") else batch for batch in theirs]
    assert len(mine) == len(theirs)
