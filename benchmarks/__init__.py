"""Benchmarks of agrad and its peers: ``python -m benchmarks --help``."""
