"""Array libraries of our own, each on top of another one. Import from the modules; this one exports nothing."""
