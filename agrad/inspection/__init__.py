"""Instruments to see inside with: anomalies, profiles, summaries, drawings. Import from its modules or from agrad."""
