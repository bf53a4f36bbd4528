"""What is around the place where the robot works: room, walls, floor, and things that stand out of its reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.cameras import place, project
from envs.colors import from_lab, shifted, shifted_together
from envs.scene import RGB, BackgroundKind, CameraSpec, ScenerySpec, SceneSpec, Texture, TextureKind, Vec3
from envs.tasks.base import Task
from envs.variations import axis, vec3

ROOMS: tuple[BackgroundKind, ...] = ("room", "shelves")


@axis(
    "background",
    "visual",
    "CIELAB Delta E (and a thing per 4)",
    (10.0, 20.0, 30.0, 45.0, 60.0),
    peers=("COLOSSEUM", "LIBERO-Plus", "SimplerEnv", "RoboTwin", "RoboVerse", "LIBERO-PRO", "RoboLab", "CALVIN"),
    changes=("background", "scenery"),
)
def background(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """A room with walls and floor of other colours, and things on the table behind the robot, out of its reach.

    The default cameras see little but the table, so that the things are what changes most in their pictures. Peers
    swap textures or whole rooms without a magnitude.
    """
    old, (rng, things_rng) = spec.background, rng.spawn(2)

    def recolored(texture: Texture) -> Texture:
        rgb, rgb2 = shifted_together((texture.rgb, texture.rgb2), magnitude, rng)
        return replace(texture, rgb=rgb, rgb2=rgb2)

    top, bottom = shifted_together((old.top, old.bottom), magnitude, rng)
    floor, wall = recolored(old.floor), recolored(old.wall)
    kind, seed = ROOMS[int(rng.integers(len(ROOMS)))], int(rng.integers(2**31))
    changed = replace(old, top=top, bottom=bottom, floor=floor, wall=wall, kind=kind, seed=seed)
    things = _things(round(magnitude / PER_THING), spec, things_rng)
    return replace(spec, background=changed, scenery=(*spec.scenery, *things))


PER_THING = 4.0
BEHIND, ASIDE = (-0.26, 0.15), (0.22, 0.50)  # metres, world: x, and y to either side, that no arm gets to
FAR_FROM_OBJECTS_M, APART_M = 0.18, 0.075  # metres between centres, at least
PALE = 18.0  # chroma of the things at most: no word for an object's colour fits them
PLAIN_OR_NOT: tuple[TextureKind, ...] = ("plain", "plain", "stripes", "checker", "wood")


def _things(count: int, spec: SceneSpec, rng: np.random.Generator) -> list[ScenerySpec]:
    """Boxes and cans behind the robot to both sides, in the front camera's picture; none in another or in an object."""
    taken = [(*thing.position[:2], FAR_FROM_OBJECTS_M) for thing in spec.objects]
    front = next((camera for camera in spec.cameras if camera.parent == "world"), None)
    things: list[ScenerySpec] = []
    while len(things) < count:
        x, y = rng.uniform(*BEHIND), rng.uniform(*ASIDE) * (1.0 if rng.uniform() < 0.5 else -1.0)
        crowded = any(np.hypot(x - a, y - b) < radius for a, b, radius in taken)
        if crowded or (front is not None and not _in_picture(front, (x, y, spec.table.height + 0.02))):
            continue
        taken.append((x, y, APART_M))
        wide, deep, high = rng.uniform(0.04, 0.10), rng.uniform(0.04, 0.10), rng.uniform(0.05, 0.2)
        round_one, yaw = rng.uniform() < 0.4, round(float(rng.uniform(0, np.pi)), 5)
        size, centre = vec3((wide, wide if round_one else deep, high)), vec3((x, y, spec.table.height + high / 2))
        things.append(ScenerySpec("cylinder" if round_one else "box", size, centre, yaw, _paint(rng)))
    return things


def _in_picture(camera: CameraSpec, point: Vec3) -> bool:
    """Whether a camera in the room sees a point, metres, world."""
    view = place(camera, np.zeros((0, 7), np.float32), ())
    u, v, depth = project(np.array([point]), view)[0]
    return bool(depth > 0 and 0 < u < view.width and 0 < v < view.height)


def _paint(rng: np.random.Generator) -> Texture:
    """A pale or dark surface, plain or with a pattern."""
    while True:
        hue, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(0, PALE)
        value = from_lab(np.array([rng.uniform(15, 95), chroma * np.cos(hue), chroma * np.sin(hue)]))
        if np.all((value >= 0) & (value <= 1)):
            rgb: RGB = vec3(value)
            kind = PLAIN_OR_NOT[int(rng.integers(len(PLAIN_OR_NOT)))]
            return Texture(kind, rgb, shifted(rgb, 20.0, rng), 0.06, int(rng.integers(2**31)))
