"""Data sets, samplers, and a loader that iterates over them in batches."""

from ..spellings import answer_in_module
from . import transforms
from .collate import default_collate
from .dataloader import DataLoader
from .dataset import Dataset, IterableDataset, TensorDataset
from .mnist import MNIST, FashionMNIST
from .sampler import BatchSampler, DistributedSampler, RandomSampler, Sampler, SequentialSampler, WeightedRandomSampler
from .subset import ConcatDataset, Subset, random_split

__all__ = [
    "MNIST", "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler", "FashionMNIST",
    "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "Subset", "TensorDataset",
    "WeightedRandomSampler", "default_collate", "random_split", "transforms",
]  # fmt: skip

answer_in_module(__name__)
