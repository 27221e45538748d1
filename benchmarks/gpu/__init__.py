"""Programs of `benchmarks/gpu.sh`: a first check of a GPU, training steps compared with PyTorch's, and their chart."""
