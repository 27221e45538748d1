"""The engine: Tensor, tape, primitive, device, dtypes. Import from its modules; this one exports nothing."""
