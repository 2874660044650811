"""People of a group of rows, from Arrow's arrays to numpy's without a detour through Python's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Person

_ARRAYS: dict[str, type[np.generic]] = {
    "joints2d": np.float32,
    "joints3d": np.float32,
    "visibility": np.uint8,
    "bbox": np.float32,
}
_VALUES = ("skeleton", "body", "gender", "motion", "motion_frame", "score")
PERSON_FIELDS = frozenset((*_ARRAYS, *_VALUES))
"""What of a person is read."""


class PeopleColumns:
    """The people of each row of a group, in the fields :data:`PERSON_FIELDS`.

    Args:
        people: a shard's column of lists of structs, perhaps without some of the other fields.
        where: the file, named in errors.

    Raises:
        InputError: a person or a number that is null; one that should be an array is None when it is null as a whole.
    """

    def __init__(self, people: pa.ListArray, where: str) -> None:
        self.ends = _ends(people)
        persons: pa.StructArray = people.flatten()
        if persons.null_count:
            raise InputError(f"{where}: people", "people without nulls", f"{persons.null_count} nulls")
        self._values = {name: persons.field(name).to_pylist() for name in _VALUES}
        self._arrays = {
            name: _Arrays(persons.field(name), dtype, f"{where}: {name}") for name, dtype in _ARRAYS.items()
        }

    def of_row(self, row: int) -> list[Person]:
        """The people of a row; their arrays may not be written to."""
        start = int(self.ends[row - 1]) if row else 0
        return [self._person(i) for i in range(start, int(self.ends[row]))]

    def _person(self, i: int) -> Person:
        values = {name: column[i] for name, column in self._values.items()}
        arrays: dict[str, Any] = {name: column[i] for name, column in self._arrays.items()}
        return Person(**values, **arrays)


class _Arrays:
    """A column of lists, of numbers or of lists of a fixed length of them: an array (K,) or (K, C), or None, each."""

    def __init__(self, column: pa.Array, dtype: type[np.generic], where: str) -> None:
        self.missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
        self.ends = _ends(column)
        items = column.flatten()
        width = 0
        if pa.types.is_fixed_size_list(items.type):
            width = items.type.list_size
            if items.null_count:
                raise InputError(where, "points without nulls", f"{items.null_count} nulls")
            items = items.flatten()
        if items.null_count:
            raise InputError(where, "numbers without nulls", f"{items.null_count} nulls")
        numbers: NDArray[Any] = items.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
        self.items = numbers.reshape(-1, width) if width else numbers

    def __getitem__(self, i: int) -> NDArray[Any] | None:
        if self.missing is not None and self.missing[i]:
            return None
        return self.items[int(self.ends[i - 1]) if i else 0 : int(self.ends[i])]


def _ends(column: pa.Array) -> NDArray[np.int64]:
    """(n,) where each list ends among all their items; one that is null has none."""
    if pa.types.is_fixed_size_list(column.type):
        lengths = np.full(len(column), column.type.list_size, np.int64)
        if column.null_count:
            lengths[column.is_null().to_numpy(zero_copy_only=False)] = 0
    else:
        lengths = column.value_lengths().fill_null(0).to_numpy().astype(np.int64)
    return np.cumsum(lengths)
