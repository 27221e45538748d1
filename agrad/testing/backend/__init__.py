"""The conformance command for authors of backends: ``python -m agrad.testing.backend NAME``."""
