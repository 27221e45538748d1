"""Transforms of functions: gradients, Jacobians, checkpointing, implicit differentiation. Import from the modules."""
