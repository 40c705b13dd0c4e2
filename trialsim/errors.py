"""What can go wrong, and how it is told.

Every error that a user can cause is a :class:`TrialsimError` with an exit code; the command line
prints it and exits, without a traceback. Exceptions rebuild from their positional arguments, because
SimPy re-creates the exceptions that cross a process boundary from ``.args``.
"""

from __future__ import annotations

from dataclasses import dataclass


class TrialsimError(Exception):
    """A failure that is told in one message. ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(TrialsimError):
    """The command's words are off (a missing column, an option that contradicts another)."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with an input file.

    ``line`` and ``column`` count from 1; 0 means that the problem has no place (an empty file, an
    override from the command line). ``width`` is how many characters the caret underlines.
    """

    file: str
    line: int
    column: int
    message: str
    rule: str
    remedy: str = ""
    source_line: str = ""
    width: int = 1

    @property
    def place(self) -> str:
        """``file:line:column`` as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def render(self) -> str:
        """The problem as text: place and message, the line, a caret, the rule and the remedy."""
        lines = [f"{self.place}: {self.message}"]
        if self.source_line:
            gutter = f"{self.line:>5} | "
            lines.append(gutter + self.source_line)
            lines.append(" " * (len(gutter) + self.column - 1) + "^" * max(1, self.width))
        lines.append(f"      rule: {self.rule}")
        if self.remedy:
            lines.append(f"      try:  {self.remedy}")
        return "\n".join(lines)


class InvalidInput(TrialsimError):
    """An input file breaks rules; ``problems`` holds every one of them, in file order."""

    exit_code = 3

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = tuple(sorted(problems))

    def __str__(self) -> str:
        count = len(self.problems)
        tail = f"{count} problem" + ("s" if count != 1 else "")
        return "\n\n".join([*(p.render() for p in self.problems), tail])
