"""Actions of `pd_ee_delta_pose`, which is what scripted experts speak, as actions of any other mode."""

from __future__ import annotations

import numpy as np

from envs.control import CONTROL_MODES, DEFAULT_MODE, Float64
from envs.scene import SceneSpec
from vla.contract import FloatArray


def converted(action: FloatArray, spec: SceneSpec, joints: Float64, commanded: Float64) -> FloatArray:
    """The action of `spec.robot.control` that commands what `action` would have.

    A function of its arguments alone: the delta is taken from the last command, so that what was commanded before,
    by whomever (noise, another policy), is where the motion goes on.

    Args:
        action: (7,) in [-1, 1], of `pd_ee_delta_pose`.
        spec: The scene; its control mode is the one that is wanted.
        joints: (n,) radians, where the joints are.
        commanded: (n,) radians, what they were told last.

    Returns:
        float32, as many entries as the mode has.
    """
    if spec.robot.control == DEFAULT_MODE:
        return np.asarray(action, np.float32)
    guide, mode = CONTROL_MODES[DEFAULT_MODE](spec), CONTROL_MODES[spec.robot.control](spec)
    guide.reset(commanded)
    mode.reset(commanded)
    return mode.action_for(guide.command(np.asarray(action, np.float64), joints), joints).astype(np.float32)
