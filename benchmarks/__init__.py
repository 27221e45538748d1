"""Benchmarks of agrad against its peers: ``python -m benchmarks --help``."""
