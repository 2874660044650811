"""The one error that a user's mistake or a broken input file may raise.

Everything a person can mend is an :class:`InputError`: the command line prints it as one line and
exits with status 2. Anything else that escapes is a bug of ours and keeps its traceback.
"""

from __future__ import annotations


class InputError(Exception):
    """A file, an option or a value is not what was expected.

    Args:
        where: the file (and line or key) or the option at fault.
        expected: what would have been right.
        got: what was found.
        fix: how to mend it, if there is something to add.
    """

    def __init__(self, where: object, expected: str, got: object, fix: str = "") -> None:
        self.where, self.expected, self.got, self.fix = str(where), expected, str(got), fix
        super().__init__(str(self))

    def __str__(self) -> str:
        line = f"{self.where}: expected {self.expected}, got {self.got}"
        line = f"{line}; {self.fix}" if self.fix else line
        return " ".join(line.split())

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        # Worker processes send their errors home pickled; the default would lose the arguments.
        return InputError, (self.where, self.expected, self.got, self.fix)
