"""Whether a policy was trained on the robot that it is to move."""

from __future__ import annotations

import warnings

from vla.contract import Policy


def check_body(policy: Policy, robot: str, control: str) -> None:
    """Compare what a learned policy was trained on with what it is to move; scripted ones know every body.

    A robot that it has not seen is a question that one may ask, so it is warned of.

    Raises:
        ValueError: Its actions are of another control mode: the same numbers would be other motions.
    """
    robots, mode = getattr(policy, "robots", ()), getattr(policy, "control", control)
    if mode != control:
        raise ValueError(f"the policy's actions are {mode!r} and would be read as {control!r}: pass --control {mode}")
    if robots and robot not in robots:
        warnings.warn(
            f"the policy was trained on {', '.join(robots)} and has never moved {robot!r}: "
            "its statistics of proprioception and actions are of another robot",
            stacklevel=3,
        )
