"""The design of a trial, before it runs and while it does: boundaries, size, power, monitoring.

Nothing here knows patients or a calendar; everything is a closed form or a numerical integral.
"""
