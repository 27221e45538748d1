"""What CuPy's backend is made of: kernels, and CuPy's namespace where it departs from the standard or waits."""
