"""Blind policies: controls that hear the instruction and see nothing.

`blind` is scripted: the expert acts on the scene's objects at places where they might be, drawn anew each episode from
where training puts them; it feels what its fingers touch and hold. `blind:CHECKPOINT` is the learned policy whose
pictures are black.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.geometry import at_start
from envs.objects import object_kind
from envs.scene import SceneSpec
from envs.state import BodyState, Float64, WorldState
from envs.tasks.base import TASKS, Expert
from policies.edited import EditedPolicy
from policies.registry import POLICIES, make_policy
from vla.contract import FloatArray, Observation, Policy

CLOSED = 0.02  # metres between the fingers: with less they push, with more they come down around something
LOW = 0.07  # metres above the table: a hand as low as that touches things
FINGER = 0.01  # metres, half a finger's width


@POLICIES.register("blind")
def blind(checkpoint: str = "") -> Policy:
    """The scripted control, or `checkpoint` without pictures."""
    return EditedPolicy(make_policy(checkpoint), without_pictures) if checkpoint else BlindExpert()


def without_pictures(observation: Observation) -> Observation:
    """The observation with black pictures, as in training with pictures dropped."""
    edited = observation.copy()
    edited["pixels"] = {camera: np.zeros_like(image) for camera, image in observation["pixels"].items()}
    return edited


class BlindExpert:
    """The expert in an imagined layout of the scene's objects, which changes only by what the hand would do to it."""

    inputs: frozenset[str] = frozenset({"state"})
    batched = False
    execute = 1

    def __init__(self) -> None:
        """Wait for the first scene."""
        self.reset(0)

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._rng = np.random.default_rng([episode_seed, 2])
        self._expert: Expert | None = None
        self._imagined: SceneSpec | None = None
        self._bodies: dict[str, BodyState] = {}
        self._handled: list[list[str]] = []

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the expert's action, (1, 1, 7)."""
        (observation,) = observations
        state: WorldState = observation["state"]
        if self._expert is None or self._imagined is None:
            task = TASKS[state.spec.goal.task]()
            self._imagined = task.rearranged(state.spec, self._rng, 0.0, -1.0)
            self._bodies = dict(at_start(self._imagined).objects)
            self._expert = task.expert(self._imagined)
            parts = state.spec.goal.parts or (state.spec.goal,)
            self._handled = [sorted(TASKS[part.task]().handled(self._imagined, part)) for part in parts]
        believed = self._believed(state, self._imagined)
        return np.asarray(self._expert.act(believed), dtype=np.float32)[None, None]

    def _believed(self, state: WorldState, spec: SceneSpec) -> WorldState:
        """What the robot knows of itself, with every object where it is imagined to be."""
        names = self._handled[min(state.stage, len(self._handled) - 1)]
        name = min(names, key=lambda name: float(np.linalg.norm(self._bodies[name].position - state.ee_position)))
        held = frozenset[str]()
        if state.grasped:  # it feels something between its fingers, and hopes that it is what it was looking for
            held = frozenset({name})
            self._move(name, np.array(state.ee_position))
        elif state.opening < CLOSED and state.ee_position[2] < LOW:
            self._move(name, self._pushed(state, spec, name))
        return replace(state, spec=spec, objects=dict(self._bodies), grasped=held, touched=held, contacts=frozenset())

    def _move(self, name: str, position: Float64) -> None:
        """Imagine an object elsewhere; what has a moving part stays where it is."""
        if self._bodies[name].part is None:
            self._bodies[name] = replace(self._bodies[name], position=position)

    def _pushed(self, state: WorldState, spec: SceneSpec, name: str) -> Float64:
        """Where the closed fingers leave an object if it is where it is imagined: in front of them."""
        place = self._bodies[name].position
        thing = spec.object(name)
        reach = object_kind(thing.kind).radius(thing.size) + FINGER
        ahead = place[:2] - state.ee_position[:2]
        distance = float(np.hypot(ahead[0], ahead[1]))
        if distance >= reach or distance < 1e-6:
            return place
        return np.array([*(state.ee_position[:2] + ahead / distance * reach), place[2]])
