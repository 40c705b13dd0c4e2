"""The design of a trial, before it runs and while it does: boundaries, size, monitoring, many trials at once.

Nothing here knows a tumour or the calendar: closed forms, numerical integrals, and trials that are arrays of times.
"""
