"""What agrad costs beside its peers: ``python -m benchmarks --help``."""
