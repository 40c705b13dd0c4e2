"""The command line: parse, call, print, exit code.

Results go to standard output, progress and messages to standard error. Heavy modules are imported by the command
that needs them, so that ``--help`` is quick.
"""

from __future__ import annotations

from trialsim.cli.program import cli, main

__all__ = ["cli", "main"]
