"""SceneSpec: everything that determines an episode's scene, as frozen data with a JSON round trip.

Knows neither physics nor pixels: the simulator and the renderer are two readers of it, an axis of generalization is a
function `(SceneSpec, rng, level) -> SceneSpec`. World frame: z up, origin at the robot's base, table top at z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import Any, Literal

import cattrs

from envs.looks import DAYLIGHT, PLAIN_BACKGROUND, WOODEN_TABLE
from envs.looks import RGB as RGB  # whoever reads a scene imports all that describes one from here
from envs.looks import BackgroundKind as BackgroundKind
from envs.looks import BackgroundSpec as BackgroundSpec
from envs.looks import LampSpec as LampSpec
from envs.looks import LightSpec as LightSpec
from envs.looks import ScenerySpec as ScenerySpec
from envs.looks import Texture as Texture
from envs.looks import TextureKind as TextureKind
from envs.looks import Vec3 as Vec3

Quat = tuple[float, float, float, float]  # xyzw

TABLE_NAME = "table"  # in contacts; no object may be called so
PHYSICS_HZ = 240  # steps of physics a second; a control rate divides it


@dataclass(frozen=True)
class ObjectSpec:
    """One object on the table.

    Attributes:
        name: Unique in the scene, for example `red_block`; a goal refers to it. What replaces an object keeps its name.
        kind: Registered object kind (`block`, `cylinder`, `ball`, `bowl`, `plate`, `zone`, ...).
        color: Colour word used in instructions.
        size: Size parameters in metres, as the kind defines them.
        position: Centre of the object's frame, metres, world. The frame's origin is the centre of its bounding box.
        yaw: Rotation about world z, radians.
        texture: Surface; `texture.rgb` is the colour that is drawn (a shade of `color`).
        mass: Kilograms; 0 for what is fixed (zones are also without collision).
        friction: Lateral friction coefficient.
        distractor: Added by an axis; the task did not ask for it.
        material: Registered material (`plastic`, `wood`, `metal`, `rubber`): what the surface looks like.
        roll: Rotation about the object's own x axis, radians, before `yaw`: pi / 2 lays an upright thing down.
        joint: Where the moving part of a drawer, door, lever ... starts, metres or radians; 0 for other kinds.
        instead_of: The kind that the task asked for, where an axis replaced it by another.
        mirror: Share of its light that the surface mirrors like metal; what the material mirrors anyway is the least.
    """

    name: str
    kind: str
    color: str
    size: tuple[float, ...]
    position: Vec3
    yaw: float
    texture: Texture
    mass: float = 0.05
    friction: float = 1.0
    distractor: bool = False
    material: str = "plastic"
    roll: float = 0.0
    joint: float = 0.0
    mirror: float = 0.0
    instead_of: str = ""

    @property
    def role(self) -> str:
        """The kind whose part it plays in the task: its own, or the one that it stands in for."""
        return self.instead_of or self.kind


def orientation(item: ObjectSpec) -> Quat:
    """Quaternion xyzw of an object at the start: `roll` about its own x axis, then `yaw` about world z."""
    cr, sr, cy, sy = cos(item.roll / 2), sin(item.roll / 2), cos(item.yaw / 2), sin(item.yaw / 2)
    return (cy * sr, sy * sr, sy * cr, cy * cr)


@dataclass(frozen=True)
class SensorSpec:
    """What a camera's lens, electronics and cable do to its pictures (`envs.sensor`); the defaults do nothing.

    Lengths are in pixels of a picture 224 pixels high and scale with the resolution, so that a picture drawn again at
    another size looks the same; noise, dead pixels and JPEG blocks are of the picture as it is drawn.

    Attributes:
        blur: Standard deviation of a Gaussian blur, pixels at 224.
        motion_blur: Standard deviation of the half Gaussian that every point is drawn out to, pixels at 224.
        motion_angle: Direction of that streak, radians from the picture's x axis towards its y axis.
        zoom_blur: The picture is averaged over magnifications of 1 to 1 + this.
        fog: Density, 1/m: what is at depth d keeps exp(-fog d) of its light.
        exposure: Stops: light is multiplied by 2 ** exposure (in linear light).
        contrast: Factor on the distance of each value from middle grey.
        noise: Standard deviation of each colour value, in levels of 255; other noise at every step.
        dead_pixels: Share of pixels that are black or white, the same ones during an episode.
        jpeg: Quality of a compression, 1 to 100; 0 for none.
        shrink: The picture is taken with 1 / shrink of the resolution in each direction and enlarged again.
        drop: Probability that a picture does not arrive: the one before is seen once more.
        delay_s: Seconds by which pictures are late; counted in whole control steps, rounded up.
        seed: Of what is drawn at random at run time; 0 is replaced by one of the episode's own.
    """

    blur: float = 0.0
    motion_blur: float = 0.0
    motion_angle: float = 0.0
    zoom_blur: float = 0.0
    fog: float = 0.0
    exposure: float = 0.0
    contrast: float = 1.0
    noise: float = 0.0
    dead_pixels: float = 0.0
    jpeg: int = 0
    shrink: float = 1.0
    drop: float = 0.0
    delay_s: float = 0.0
    seed: int = 0

    @property
    def late(self) -> bool:
        """Whether what is seen may be older than the moment."""
        return self.drop > 0 or self.delay_s > 0

    @property
    def random(self) -> bool:
        """Whether anything is drawn at run time."""
        return self.noise > 0 or self.dead_pixels > 0 or self.drop > 0


@dataclass(frozen=True)
class CameraSpec:
    """A camera, fixed in the world or to the robot's hand.

    Attributes:
        name: Unique in the scene.
        parent: What `eye`, `target` and `up` are relative to.
        eye: Where it is, metres.
        target: What it looks at, metres.
        up: Direction that points up in the picture.
        fov_y: Vertical field of view, degrees; of the pinhole, for a lens that distorts.
        width: Pixels.
        height: Pixels.
        near: Metres; what is nearer is not seen.
        far: Metres; what is farther is background.
        distortion: Of the lens, as OpenCV counts it: k1, k2, p1, p2 and, if there are five, k3; empty for none.
        sensor: What happens to its pictures after that.
    """

    name: str
    parent: Literal["world", "hand"]
    eye: Vec3
    target: Vec3
    up: Vec3
    fov_y: float
    width: int = 128
    height: int = 128
    near: float = 0.01
    far: float = 5.0
    distortion: tuple[float, ...] = ()
    sensor: SensorSpec = SensorSpec()


@dataclass(frozen=True)
class RobotSpec:
    """Which robot, where, and how it starts.

    `joints` are radians; empty means the robot's home posture. `widest` limits how far the fingers open, metres; 0 is
    as far as the gripper can. Actions mean the same motion per control step at every `control_hz`.
    """

    name: str = "panda"
    control: str = "pd_ee_delta_pose"
    base: Vec3 = (0.0, 0.0, 0.0)
    base_yaw: float = 0.0
    joints: tuple[float, ...] = ()
    opening: float = 0.08  # metres between the fingers
    control_hz: float = 10.0
    widest: float = 0.0


@dataclass(frozen=True)
class PushSpec:
    """Something pushes an object, or the arm, while the robot works.

    Attributes:
        step: Control step at whose beginning it happens.
        name: Object that moves freely, pushed at its centre of mass; empty for the robot's hand.
        impulse: N s, world frame.
    """

    step: int
    name: str
    impulse: Vec3


@dataclass(frozen=True)
class MoveSpec:
    """Somebody moves an object while the robot works, but not while the robot touches it or something is in the way.

    Attributes:
        step: Control step at whose beginning it happens; later, if it is not possible then.
        name: Object that moves freely.
        position: Where it stands then, metres, world; it lies or stands as it did at the start.
        yaw: Its rotation about z then, radians.
    """

    step: int
    name: str
    position: Vec3
    yaw: float = 0.0


@dataclass(frozen=True)
class DisturbanceSpec:
    """What goes wrong between the policy's action and the world; the defaults do nothing.

    Attributes:
        action_noise: Standard deviation of what is added to each entry of a motion, share of full scale.
        action_delay: Seconds by which actions are carried out late, in steps of physics; the robot holds still until
            the first one.
        joint_offset: What the robot believes its joints to be, minus what they are, radians: its encoders, and so its
            proprioception and its controller, are wrong by that. Empty for none.
        pushes: Impulses.
        moves: Objects that are moved.
        slips: How many times the fingers open for a moment by themselves, soon after they have taken hold of something.
        seed: Of what is drawn at random at run time.
    """

    action_noise: float = 0.0
    action_delay: float = 0.0
    joint_offset: tuple[float, ...] = ()
    pushes: tuple[PushSpec, ...] = ()
    moves: tuple[MoveSpec, ...] = ()
    slips: int = 0
    seed: int = 0


@dataclass(frozen=True)
class MannerSpec:
    """How the instruction wants the goal to be reached; success asks for it. 0 means no limit.

    Attributes:
        word: The adverb.
        speed: The tool may not be faster, m/s.
        force: No contact of robot or held object may be harder, newtons.
        steps: The goal must be reached within so many control steps.
    """

    word: str
    speed: float = 0.0
    force: float = 0.0
    steps: int = 0


@dataclass(frozen=True)
class TableSpec:
    """A box whose top is at z = `height` (metres)."""

    size: Vec3 = (1.3, 1.4, 0.05)
    center: tuple[float, float] = (0.35, 0.0)
    height: float = 0.0
    texture: Texture = WOODEN_TABLE
    friction: float = 1.0


@dataclass(frozen=True)
class GoalSpec:
    """What is to be done: the task, the names of the objects that it is about, and how.

    Attributes:
        task: Registered task.
        target: The object that is acted on; empty for tasks about a group.
        place: The second object: where to, relative to what, with what.
        others: Further objects, in the order in which the task speaks of them.
        relation: A key of the task's `Grammar.relations`: a side, a direction, an angle, an order, a colour ...
        parts: Goals to be reached one after another; the task is then one that chains them.
    """

    task: str
    target: str
    place: str = ""
    others: tuple[str, ...] = ()
    relation: str = ""
    parts: tuple[GoalSpec, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every object that it names, in the order target, place, others, then those of its parts."""
        own = tuple(name for name in (self.target, self.place, *self.others) if name)
        return own + tuple(name for part in self.parts for name in part.names)


@dataclass(frozen=True)
class SceneSpec:
    """One episode's world, instruction and goal.

    `alternatives` are the other goals of the same task that are possible in the scene: what a policy deaf to the
    instruction would confuse with `goal`; the swapped-instruction control speaks one of them, and then `spoken` is that
    goal, so that an evaluation can judge both. None means that the instruction speaks of `goal`.

    An instruction of several lines is said line by line: each when the parts of the goal before it have been done.

    `contrast` is the one of `alternatives` that the scene's swapped twin speaks of: what the policy is compared on when
    asked whether it does what it is told. `instruction_step` is the control step from which the instruction is said;
    until then `instruction_before` is. With `refuse` the instruction speaks of something that is not there: success is
    to have touched nothing when the time is over.
    """

    goal: GoalSpec
    instruction: str
    objects: tuple[ObjectSpec, ...]
    alternatives: tuple[GoalSpec, ...] = ()
    robot: RobotSpec = RobotSpec()
    table: TableSpec = TableSpec()
    light: LightSpec = DAYLIGHT
    background: BackgroundSpec = PLAIN_BACKGROUND
    scenery: tuple[ScenerySpec, ...] = ()
    cameras: tuple[CameraSpec, ...] = ()
    max_steps: int = 80
    spoken: GoalSpec | None = None
    contrast: GoalSpec | None = None
    instruction_step: int = 0
    instruction_before: str = ""
    refuse: bool = False
    manner: MannerSpec | None = None
    disturbance: DisturbanceSpec = DisturbanceSpec()

    def object(self, name: str) -> ObjectSpec:
        """The object called `name`. Raises KeyError with the names that exist."""
        for candidate in self.objects:
            if candidate.name == name:
                return candidate
        raise KeyError(f"no object {name!r} in the scene; it has {[o.name for o in self.objects]}")

    def said(self, done: int) -> str:
        """What is said when so many parts of the goal have been done: the line of that number, or the last."""
        lines = self.instruction.split("\n")
        return lines[min(done, len(lines) - 1)]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; `SceneSpec.from_dict` inverts it exactly."""
        data: dict[str, Any] = _CONVERTER.unstructure(self)
        return data

    @staticmethod
    def from_dict(data: dict[str, Any]) -> SceneSpec:
        """Read what `to_dict` wrote. Raises ValueError naming the field that does not fit."""
        try:
            return _CONVERTER.structure(data, SceneSpec)
        except Exception as error:  # cattrs groups the field errors
            detail = "; ".join(cattrs.transform_error(error))
            raise ValueError(f"not a SceneSpec: {detail}") from error


_CONVERTER = cattrs.Converter(forbid_extra_keys=True)
