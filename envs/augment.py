"""Augmentation by drawing again: demonstrations under other light, with other surfaces, from other places.

A dataset of pictures can be blurred and recoloured; one of poses can be filmed anew. The changes are those of the axes
of generalization, always weaker than an axis' first level, and never one of its named values: what an evaluation tests
is never trained on (`tests/envs/test_augment.py`). Nothing that was done is touched: not the robot, not the objects'
places, not the words. Knows no learning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cameras import chosen_cameras, pose_matrices
from envs.grammar import COLORS
from envs.layout import Rect, radius
from envs.objects import object_kind, resting_z
from envs.renderer.build import build_render_scene
from envs.renderer.pack import pack_mesh
from envs.scene import ObjectSpec, SceneSpec, Texture, TextureKind
from envs.tasks.base import TASKS, make_thing
from envs.variations import AXES
from envs.variations.crowding import KINDS, has_target, named_apart
from envs.variations.novelty import TALL, UNSEEN, trained
from envs.variations.surfaces import PATTERNS
from vla.contract import FloatArray
from vla.registry import nearest

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """How an axis is used.

    Attributes:
        axis: Its name.
        most: Share of its first level's magnitude, less than 1, up to which one is drawn.
        chance: Share of the episodes of an epoch that it changes.
        instead: Axes that are about the same thing: where one of them has changed an episode, this one does not, or
            both together would be as much as the first level of one.
    """

    axis: str
    most: float
    chance: float = 1.0
    instead: tuple[str, ...] = ()


LIGHT = (
    Change("light_intensity", 0.6),
    Change("light_direction", 0.6),
    Change("light_color", 0.6, 0.5),
    Change("camera_position", 0.6),
    Change("camera_orientation", 0.6),
    Change("wrist_position", 0.6),
    Change("wrist_orientation", 0.6),
)
FULL = (
    *(replace(change, most=0.95) for change in LIGHT),
    Change("camera_fov", 0.95, 0.5),
    Change("wrist_fov", 0.95, 0.5),
    Change("object_texture", 0.4, 0.25),  # both shades are nearer to the old colour than the first of object_color
    Change("object_color", 0.95, 0.7, ("object_texture",)),
    Change("object_material", 0.95, 0.3),
    Change("table_texture", 0.95, 0.4),
    Change("table_color", 0.95, 0.8, ("table_texture",)),
    Change("background", 0.55, 0.5),  # that many colours; a thing behind the robot comes with each 4 of its 10
    Change("contrast", 0.95, 0.3),
    Change("blur", 0.95, 0.2, ("contrast",)),
    Change("sensor_noise", 0.6, 0.15, ("contrast", "blur")),
)
LEVELS: Mapping[str, tuple[Change, ...]] = {"none": (), "light": LIGHT, "full": FULL}
TABLE_PATTERNS: tuple[TextureKind, ...] = ("wood", "tiles", "plain")
OBJECT_PATTERNS: tuple[TextureKind, ...] = ("tiles", "plain")
CROWDED = 0.4  # share of the episodes of an epoch that `full` adds distractors to
MOST_ADDED = 2
ROOM = Rect(0.28, 0.78, -0.36, 0.36)  # where they stand: what the cameras see of the table
CLEAR_M = 0.012  # metres that they keep from whatever comes by
TRIES = 25


@dataclass(frozen=True)
class Augment:
    """A scene as it might have looked; implements `vla.views.Augmentation`.

    Attributes:
        level: `light` or `full`.
        cameras: Those that are drawn: names of the scene's own, or known ones.
    """

    level: str
    cameras: tuple[str, ...]

    def __call__(self, spec: dict[str, Any], poses: FloatArray, rng: np.random.Generator) -> SceneSpec:
        """The scene of an episode with `poses` (T + 1, N, 7), changed; a function of the arguments alone."""
        scene = SceneSpec.from_dict(spec)
        scene = replace(scene, cameras=chosen_cameras(self.cameras, scene.cameras))
        task, done = TASKS[scene.goal.task](), set[str]()
        added, *rngs = rng.spawn(1 + len(LEVELS[self.level]))
        for change, own in zip(LEVELS[self.level], rngs, strict=True):
            axis = AXES[change.axis]
            if own.random() < change.chance and axis.applies(type(task)) and not done & set(change.instead):
                magnitude = change.most * own.random() * axis.levels[0]
                scene = _renamed(scene, axis.function(scene, own, magnitude, task, 0.0), own)
                done.add(change.axis)
        seed = int(rng.integers(1, 2**31))
        cameras = (replace(camera, sensor=replace(camera.sensor, seed=seed)) for camera in scene.cameras)
        scene = replace(scene, cameras=tuple(cameras)) if "sensor_noise" in done else scene
        return crowded(scene, poses, added) if self.level == "full" else scene


def augmentation(level: str, cameras: Sequence[str]) -> Augment | None:
    """The augmentation called `level`; None for `none`. Raises UnknownNameError with the nearest name."""
    if level not in LEVELS:
        raise nearest("augmentation", level, list(LEVELS))
    return Augment(level, tuple(cameras)) if LEVELS[level] else None


def _renamed(before: SceneSpec, after: SceneSpec, rng: np.random.Generator) -> SceneSpec:
    """`after` without what has a name: rooms and patterns have one, and names that an axis uses are for evaluation."""

    def pattern(texture: Texture, kinds: Sequence[TextureKind]) -> Texture:
        return replace(texture, kind=kinds[int(rng.integers(len(kinds)))]) if texture.kind in PATTERNS else texture

    room = replace(after.background, kind=before.background.kind, seed=before.background.seed)
    things = tuple(replace(thing, texture=pattern(thing.texture, OBJECT_PATTERNS)) for thing in after.objects)
    table = replace(after.table, texture=pattern(after.table.texture, TABLE_PATTERNS))
    return replace(after, background=room, objects=things, table=table)


def crowded(spec: SceneSpec, poses: FloatArray, rng: np.random.Generator) -> SceneSpec:
    """The scene with up to `MOST_ADDED` more things where nothing comes in the episode with `poses` (T + 1, N, 7).

    They are seen and never touched, so they need no physics. They come last among the objects: who draws the episode
    finds no poses of them and leaves them where they stand.
    """
    if not has_target(TASKS[spec.goal.task]) or rng.random() >= CROWDED:
        return spec
    pairs = free_pairs(spec)
    order = rng.permutation(len(pairs))[: int(rng.integers(1, MOST_ADDED + 1))]
    things = [make_thing(*pairs[int(number)]) for number in order]
    taken = _swept(spec, poses, max((_height(thing) for thing in things), default=0.0))
    added: list[ObjectSpec] = []
    for thing in named_apart(things, spec.objects):
        for x, y in (ROOM.sample(rng) for _ in range(TRIES)):
            gaps = np.hypot(taken[:, 0] - x, taken[:, 1] - y) - taken[:, 2]
            if gaps.min(initial=np.inf) >= radius(thing) + CLEAR_M:
                position = x, y, resting_z(thing.kind, thing.size, spec.table.height)
                yaw = round(float(rng.uniform(-np.pi, np.pi)), 5)
                added.append(replace(thing, position=position, yaw=yaw, distractor=True))
                taken = np.concatenate([taken, [(x, y, radius(thing))]])
                break
    return replace(spec, objects=(*spec.objects, *added))


def free_pairs(spec: SceneSpec) -> list[tuple[str, str]]:
    """Colours and kinds of things that may be added: none that the instruction could mean, none that an axis adds.

    `distractors` adds `KINDS`, `similar_color` things of the target's colour, `similar_shape` of its kind; the axes of
    novelty replace things by `UNSEEN` ones.
    """
    meant = [spec.object(name) for name in spec.goal.names]
    colors = {thing.color for thing in meant} | set(spec.instruction.lower().split())
    kinds = {thing.kind for thing in spec.objects} | {thing.role for thing in spec.objects}
    free = [
        kind for kind in allowed_kinds() if kind not in kinds and object_kind(kind).noun.word not in spec.instruction
    ]
    return [(color, kind) for color in COLORS if color not in colors for kind in free]


@lru_cache(maxsize=1)
def allowed_kinds() -> tuple[str, ...]:
    """Kinds of added things: families train them, and no axis adds them unless they are like the target."""
    return tuple(kind for kind in trained() if kind not in (*KINDS, *TALL, *UNSEEN))


def _height(thing: ObjectSpec) -> float:
    return object_kind(thing.kind).height(thing.size)


def _swept(spec: SceneSpec, poses: FloatArray, height: float) -> Float64:
    """Circles (M, 3), x, y and radius, metres, that hold whatever is lower than `height` above the table at any time.

    Robot and moving objects count by the sphere around each drawn part, what stands still by its footprint.
    """
    nodes = [node for node in build_render_scene(spec, image_height=96).nodes if node.row >= 0]
    spheres = np.array([pack_mesh(node.mesh, node.material.smooth).sphere for node in nodes], np.float64)
    matrices = pose_matrices(poses[:, [node.row for node in nodes]])  # (T + 1, K, 4, 4)
    centres = (matrices[..., :3, :3] @ spheres[:, :3, None])[..., 0] + matrices[..., :3, 3]
    above = np.maximum(centres[..., 2] - spec.table.height - height, 0.0)
    flat = np.sqrt(np.maximum(spheres[:, 3] ** 2 - above**2, 0.0))
    moving = np.concatenate([centres[..., :2], flat[..., None]], axis=-1).reshape(-1, 3)
    still = np.array([(*thing.position[:2], radius(thing)) for thing in spec.objects])
    return np.concatenate([moving[moving[:, 2] > 0], still])
