"""The array API namespace of MLX, a file per chapter of the standard."""
