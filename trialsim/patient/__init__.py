"""One virtual patient: traits from a cohort, lesions, and the course under an arm's doses."""
