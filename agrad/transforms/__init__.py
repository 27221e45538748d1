"""Functions of functions: gradients, Jacobians, recomputation, implicit solutions. Import from the modules."""
