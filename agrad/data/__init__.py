"""Data sets, and a loader that hands them out in batches."""

from .dataloader import DataLoader
from .dataset import Dataset, TensorDataset
from .mnist import MNIST, FashionMNIST

__all__ = ["MNIST", "DataLoader", "Dataset", "FashionMNIST", "TensorDataset"]
