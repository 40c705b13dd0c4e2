"""Studies: many virtual subjects put to one question. They run trials and experiments, and never draw pages."""
