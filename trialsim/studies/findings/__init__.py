"""Published experiments, run again: what was published beside what the model says."""
