"""What is read off an experiment, by name: small functions from what was seen to an estimate.

Every readout takes the groups in the order in which the registry names them, and its settings by keyword. Ratios and
changes are those of the first group against the second. Sizes are counts of cells; a calliper's 100 mm3 is taken as 1e8
of them.
"""

from trialsim.studies.findings.readouts import body, colonies, events, tumours
from trialsim.studies.findings.readouts.register import READOUTS, meaning, settings

__all__ = ["READOUTS", "body", "colonies", "events", "meaning", "settings", "tumours"]
