"""Instruments: anomaly detection, profiles, summaries and drawings. Import from its modules or from agrad."""
