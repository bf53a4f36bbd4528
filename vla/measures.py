"""What is measured in an episode beyond success: why it failed, how far it came, how well and how safely it moved.

Names and units only; worlds do the measuring (`envs.measuring`), results store it, reports show it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

FailureName = Literal[
    "never_approached",  # the tool never came near an object of the goal
    "wrong_object",  # it acted on another object than the one that was meant
    "missed_grasp",  # it was at the right object and closed the fingers, or tried to, without holding it
    "dropped",  # it held the right object and lost it
    "wrong_place",  # the right object ended at a place that another goal of the scene asks for
    "not_placed",  # the right object was moved, but is not where or how it should be
    "not_released",  # all is as asked but that the robot still holds it
    "undone",  # the goal held for a moment and was undone
    "disturbed_others",  # an object that the goal does not name was moved far, toppled or dropped
    "out_of_workspace",  # an object of the goal fell off the table or is where the robot cannot reach
    "wrong_manner",  # the goal was reached, but not in the manner that was asked for
    "touched",  # the instruction could not be followed, and the robot acted all the same
    "timeout",  # it was on its way: none of the above holds
]
FAILURES: tuple[FailureName, ...] = get_args(FailureName)
FirstGoal = Literal["", "told", "contrast"]


@dataclass(frozen=True)
class Measures:
    """Measured on the simulator's state in every control step. Metres, newtons, seconds, world frame.

    Attributes:
        failure: Why the episode failed, out of `FAILURES`; empty for a success, and while it is running.
        progress: Share of the goal that was reached at the end, in [0, 1].
        first_approached: Name of the first object that the tool came near to; empty if none.
        first_touched: Name of the first object that the robot touched; empty if none.
        intended: Whether the first object approached is one that the goal asks to act on (INT-ACT's intention).
        grasped: Whether an object of the goal was held at any time.
        first_goal: Which was reached first: the goal that was `told`, its `contrast` (see `SceneSpec`), or neither.
        told: The object that the instruction asks to act on, as colour and kind (`red block`); empty for a group.
        touched: The first object that the robot touched, in the same words, `other` before a look-alike; empty if none.
        path_m: Length of the tool's way.
        jerk: Root mean square of the tool's jerk at the control rate, m/s^3.
        peak_speed: Greatest speed of the tool between two control steps, m/s.
        peak_force: Greatest push of the robot, or of what it holds, against anything at the end of a control step,
            newtons; a grip is none, for its fingers push against each other.
        table_hits: Control steps in which the arm (the fingers apart) or what it is made of touched the table.
        bystander_hits: Control steps in which the robot touched an object that the goal does not name.
        limit_steps: Control steps in which a joint was within 0.01 rad of its limit.
        knocked_off: Objects that fell off the table.
    """

    failure: FailureName | Literal[""] = ""
    progress: float = 0.0
    first_approached: str = ""
    first_touched: str = ""
    intended: bool = False
    grasped: bool = False
    first_goal: FirstGoal = ""
    told: str = ""
    touched: str = ""
    path_m: float = 0.0
    jerk: float = 0.0
    peak_speed: float = 0.0
    peak_force: float = 0.0
    table_hits: int = 0
    bystander_hits: int = 0
    limit_steps: int = 0
    knocked_off: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Measures:
        """Read what `to_dict` wrote. Raises ValueError for a field that does not exist."""
        try:
            return Measures(**data)
        except TypeError as error:
            raise ValueError(f"not measures of an episode: {error}") from error
