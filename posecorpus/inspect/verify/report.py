"""What a verification found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Violation:
    """One thing that is not as it must be.

    Attributes:
        key: the sample's key, or the file's name for a fault of a whole file.
        check: which rule is broken; see ``posecorpus.inspect.verify``.
        message: where in the sample and by how much.
    """

    key: str
    check: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.check}: {self.message}"


@dataclass
class Report:
    """The outcome for a corpus.

    Attributes:
        samples: how many were read.
        violations: in the corpus's order, at most one for each key and check.
        checked: check to how many samples (or files) had what it takes to be checked.
        notes: things that kept checks from being made, such as a body model that is not here.
    """

    samples: int = 0
    violations: list[Violation] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.violations

    @property
    def failed(self) -> Counter[str]:
        """Check to how many samples (or files) broke it."""
        return Counter(violation.check for violation in self.violations)

    def record(self, key: str, check: str, messages: list[str] | None) -> None:
        """Count a check made on ``key``; None means that it did not apply."""
        if messages is None:
            return
        self.checked[check] += 1
        if messages:
            more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
            self.violations.append(Violation(key, check, messages[0] + more))

    def merge(self, other: Report) -> None:
        """Add what another part of the corpus gave."""
        self.samples += other.samples
        self.violations += other.violations
        self.checked.update(other.checked)
        self.notes += [note for note in other.notes if note not in self.notes]
