"""Whether something given as an action is one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.control import Float64
from vla.contract import FloatArray


def checked_action(action: FloatArray, entries: Sequence[str]) -> Float64:
    """`action` as float64 (n,). Raises ValueError saying what was given and what is expected.

    `entries` says what each of its n numbers is (`ControlMode.entries`).
    """
    count = len(entries)
    expected = f"expected {count} real numbers in [-1, 1]"
    meaning = f"the action is ({', '.join(entries)})"
    array = np.asarray(action)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"action of dtype {array.dtype}; {expected}; {meaning}")
    if array.shape != (count,):
        raise ValueError(f"action of shape {array.shape}; {expected}, shape ({count},); {meaning}")
    checked = array.astype(np.float64)
    if not np.isfinite(checked).all():
        raise ValueError(f"action {array.tolist()} has NaN or infinite entries; {expected}; {meaning}")
    if np.abs(checked).max() > 1.0:
        worst = int(np.argmax(np.abs(checked)))
        told = f"action[{worst}] = {array[worst]} is out of range; {expected} (clip it first)"
        raise ValueError(f"{told}; entry {worst} is {entries[worst]}")
    return checked
