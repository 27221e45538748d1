"""What `benchmarks/gpu.sh` runs on a GPU: a first check, training steps beside PyTorch's, and their chart."""
