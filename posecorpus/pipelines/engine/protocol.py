"""What the engines have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Value = TypeVar("Value")


class Run(Protocol):
    """Does every task and yields the results in order of completion.

    A task whose process or machine dies is done again. Only a bounded number of tasks is under way: a
    plan can hold a million of them.
    """

    def __call__(self, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]: ...


class Engine(Run, Protocol):
    """Someone who runs tasks, and brings what all of them need to where they run.

    Attributes:
        elsewhere: whether tasks may run on other machines.
    """

    elsewhere: bool

    def share(self, load: Callable[[Path], Value], folder: Path) -> Callable[[], Value]:
        """A small picklable function that gives ``load(folder)`` wherever a task calls it.

        Args:
            load: a function of its module's top level; the value must be picklable, and no one may change it.
            folder: lies on this machine and stays as it is until the engine is closed.
        """
        ...
