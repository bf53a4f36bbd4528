"""Trace: the states of an episode as arrays over time, for those who judge it afterwards. Knows no task and no rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from envs.objects import object_kind
from envs.scene import SceneSpec
from envs.state import Float64, WorldState

Flags = NDArray[np.bool_]

CLOSED = 0.002  # metres between fingers that have nothing between them


class Trace:
    """States 0 to T of one episode: the reset, and the one after each control step. K objects; zones are none.

    Attributes:
        states: All states; at least one.
        names: Of the K objects that can be touched, in the scene's order.
    """

    def __init__(self, states: Sequence[WorldState]) -> None:
        """See the class. Raises ValueError for no states."""
        if not states:
            raise ValueError("a trace needs the state at the reset at least")
        self.states = states
        things = states[0].spec.objects
        self.names = tuple(o.name for o in things if object_kind(o.kind).shape(o.size).pieces)

    @property
    def last(self) -> WorldState:
        """The state now."""
        return self.states[-1]

    def column(self, name: str) -> int:
        """Which of the K objects is called `name`."""
        return self.names.index(name)

    @cached_property
    def tool(self) -> Float64:
        """Tool centre point (T+1, 3), metres, world."""
        return np.array([state.ee_position for state in self.states])

    @cached_property
    def opening(self) -> Float64:
        """Metres between the fingers (T+1,)."""
        return np.array([state.opening for state in self.states])

    @cached_property
    def position(self) -> Float64:
        """Where the objects are (T+1, K, 3), metres, world."""
        rows = [[state.objects[name].position for name in self.names] for state in self.states]
        return np.array(rows).reshape(len(self.states), len(self.names), 3)

    @cached_property
    def joint(self) -> Float64:
        """Where the moving parts of fixtures are (T+1, K), metres or radians; 0 for what has none."""
        return np.array([[state.objects[name].joint for name in self.names] for state in self.states])

    @cached_property
    def away(self) -> Float64:
        """Metres from the tool to where each object, or the moving part of a fixture, is taken hold of (T+1, K)."""
        grasps = np.stack([self._grasps(name) for name in self.names], axis=1)
        return np.asarray(np.linalg.norm(grasps - self.tool[:, None], axis=2))

    @cached_property
    def touched(self) -> Flags:
        """Whether the robot touches each object (T+1, K)."""
        return np.array([[name in state.touched for name in self.names] for state in self.states])

    @cached_property
    def grasped(self) -> Flags:
        """Whether both fingers touch each object from its sides (T+1, K): closed ones push it, if anything."""
        both = np.array([[name in state.grasped for name in self.names] for state in self.states])
        return np.asarray(both & (self.opening > CLOSED)[:, None])

    def _grasps(self, name: str) -> Float64:
        """(T+1, 3) metres, world: `envs.geometry.grasp_of` in each state."""
        spec = self.last.spec.object(name)
        shape = object_kind(spec.kind).shape(spec.size)
        bodies = [state.objects[name] for state in self.states]
        if shape.part is None:
            turned = _rotated(np.array([body.quaternion for body in bodies]), shape.grasp.position)
            return turned + self.position[:, self.column(name)]
        poses = np.array([body.part for body in bodies])
        return np.asarray(_rotated(poses[:, 3:], shape.part.grasp.position) + poses[:, :3])


def _rotated(quaternions: Float64, vector: tuple[float, float, float]) -> Float64:
    """`vector` (3,) turned by each of the quaternions (T, 4), xyzw."""
    axis, scalar = quaternions[:, :3], quaternions[:, 3:]
    once = 2 * np.cross(axis, vector)
    return np.asarray(vector) + scalar * once + np.cross(axis, once)


def moved_by_others(spec: SceneSpec) -> frozenset[str]:
    """Names of objects that the scene itself pushes or moves while the robot works."""
    disturbance = spec.disturbance
    return frozenset(push.name for push in disturbance.pushes) | frozenset(move.name for move in disturbance.moves)
