"""Protocols and cohorts: from YAML with positions, to what was written, to what is run."""
