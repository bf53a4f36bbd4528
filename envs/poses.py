"""Which moving part each row of the pose array is. Shared by the simulator and the renderers; knows neither.

A row's pose is the frame of the URDF link (not of its centre of mass) or of the object, world frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from envs.fixture import FIXTURE_LINK
from envs.objects import object_kind
from envs.robots import ROBOTS
from envs.scene import SceneSpec
from envs.urdf import load_urdf

FLOOR_BODY, TABLE_BODY, ROBOT_BODY, FIRST_OBJECT_BODY = 0, 1, 2, 3


@dataclass(frozen=True)
class PoseRow:
    """One row of the pose array (N, 7).

    Attributes:
        name: For people, for example `panda/panda_hand`, `red_block` or `blue_drawer/part`.
        body: Segmentation body: 2 robot, 3 + i for object i of the spec.
        link: Link of the body, -1 for its base, as PyBullet numbers them.
        hand: Whether cameras of parent `hand` are fixed to this row.
    """

    name: str
    body: int
    link: int
    hand: bool = False


def pose_rows(spec: SceneSpec) -> tuple[PoseRow, ...]:
    """Rows: drawn robot links and the hand in link order, then objects (or parts) that move, in the spec's order."""
    objects = []
    for i, item in enumerate(spec.objects):
        kind = object_kind(item.kind)
        if kind.moves:
            objects.append(PoseRow(item.name, FIRST_OBJECT_BODY + i, -1))
        elif kind.shape(item.size).part is not None:
            objects.append(PoseRow(f"{item.name}/part", FIRST_OBJECT_BODY + i, FIXTURE_LINK))
    return _robot_rows(spec.robot.name) + tuple(objects)


@lru_cache(maxsize=16)
def _robot_rows(name: str) -> tuple[PoseRow, ...]:
    robot = ROBOTS[name]()
    return tuple(
        PoseRow(f"{name}/{link.name}", ROBOT_BODY, link.index, hand=link.index == robot.hand_link)
        for link in load_urdf(robot.urdf).links
        if link.visuals or link.index == robot.hand_link
    )
