"""How a scripted expert obeys an adverb: its actions made slower, softer or faster. Knows no task.

Actions are those of `pd_ee_delta_pose` (`envs.expert`). As Markovian as they are.
"""

from __future__ import annotations

import numpy as np

from envs.expert import STEP_M
from envs.scene import MannerSpec
from envs.state import Float64, WorldState
from envs.trace import CLOSED
from vla.contract import FloatArray

RESERVE = 0.85  # share of a speed limit that is made use of
FAST = 0.03  # metres: a step as long as that is far from where it is to end, and may be longer
LOW = 0.09  # metres above the table: below, there are things to touch
SOFT = 0.0001  # metres down in one step for each newton that is allowed
PRESS = 0.002  # metres down in one step while something is pressed
FELT = 1.0  # newtons: something is pressed
YIELD = 0.5  # share of the force that is allowed at which the arm yields


def in_manner(action: FloatArray, state: WorldState, manner: MannerSpec) -> FloatArray:
    """`action` (7,) as it is done in a manner."""
    changed = np.asarray(action, np.float64).copy()
    if manner.force > 0:
        _soften(changed, state, manner.force)
    length, longest = float(np.linalg.norm(changed[:3])) * STEP_M, np.inf
    if manner.speed > 0:
        longest = RESERVE * manner.speed / state.spec.robot.control_hz
    if length > longest:
        changed[:3] *= longest / length
    elif manner.steps > 0 and length > FAST:
        changed[:3] /= np.abs(changed[:3]).max()
    return np.clip(changed, -1.0, 1.0).astype(np.float32)


def _soften(action: Float64, state: WorldState, force: float) -> None:
    """Come down slowly where there is something to touch, and up again before `force` newtons are reached."""
    if state.force > YIELD * force:
        action[:3] = np.array([0.0, 0.0, PRESS / STEP_M]) - _ahead(state) / STEP_M
        return
    low = state.ee_position[2] < state.spec.table.height + LOW
    holds = state.grasped and state.opening > CLOSED
    slowest = PRESS if state.force > FELT and not holds else SOFT * force if low else np.inf
    down = -float(action[2]) * STEP_M
    if down > slowest:
        action[:3] *= slowest / down


def _ahead(state: WorldState) -> Float64:
    """How far (3,) the tool's target is ahead of the tool, metres, base frame: what presses on what is in the way."""
    from envs.kinematics import kinematics  # compiled: slow to import

    chain = kinematics(state.spec.robot.name)
    return np.asarray((chain.forward(state.commanded) - chain.forward(state.joints))[:3, 3])
