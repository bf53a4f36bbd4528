"""Table and objects in physics: from the plain data of a scene to PyBullet bodies. Knows no robot and no task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envs.bullet import Client
from envs.fixture import FIXTURE_LINK, fixture_urdf
from envs.objects import Part, Piece, checked_kind
from envs.scene import ObjectSpec, TableSpec, orientation

FLOOR_HALF_M = 20.0  # nothing that a robot throws gets farther
SLEEP_SPEED = 0.003  # m/s and rad/s; Bullet's own 0.8 and 1.0 would stop a ball that rolls


def build_table(client: Client, table: TableSpec) -> int:
    """The table's body: a fixed box."""
    x, y, z = table.size
    center = (*table.center, table.height - z / 2)
    shape = client.createCollisionShape(client.GEOM_BOX, halfExtents=(x / 2, y / 2, z / 2))
    body = int(client.createMultiBody(0, shape, basePosition=center, useMaximalCoordinates=True))
    client.changeDynamics(body, -1, lateralFriction=table.friction)
    return body


def build_floor(client: Client, center: tuple[float, float], height: float) -> int:
    """The floor's body: what falls off the table ends here. `height` in metres, `center` (x, y) below the table's."""
    shape = client.createCollisionShape(client.GEOM_BOX, halfExtents=(FLOOR_HALF_M, FLOOR_HALF_M, 0.5))
    return int(client.createMultiBody(0, shape, basePosition=(*center, height - 0.5), useMaximalCoordinates=True))


def build_object(client: Client, item: ObjectSpec) -> int:
    """An object's body: one that moves, one that is fixed, or a fixed one with a moving part.

    Raises:
        ValueError: An unknown kind or a size that does not fit it.
    """
    kind = checked_kind(item)
    shape = kind.shape(item.size)
    if shape.part is not None:
        return _build_fixture(client, item, shape.part)
    collision = client.createCollisionShapeArray(**_shape_arrays(client, shape.pieces))
    mass = item.mass if kind.moves else 0.0
    body = int(
        client.createMultiBody(
            mass,
            collision,
            basePosition=item.position,
            baseOrientation=orientation(item),
            useMaximalCoordinates=True,  # a rigid body, not a tree of one link: half the work for the solver
        )
    )
    client.changeDynamics(
        body,
        -1,
        lateralFriction=item.friction,
        rollingFriction=kind.rolling_friction,
        spinningFriction=max(kind.rolling_friction, 0.001),
        linearDamping=0.04,
        angularDamping=0.3 if kind.rolling_friction else 0.04,
        activationState=client.ACTIVATION_STATE_ENABLE_SLEEPING,
        sleepThreshold=SLEEP_SPEED,
    )
    return body


def _build_fixture(client: Client, item: ObjectSpec, part: Part) -> int:
    path = str(fixture_urdf(item.kind, item.size))
    body = int(client.loadURDF(path, item.position, orientation(item), useFixedBase=True))
    client.resetJointState(body, FIXTURE_LINK, item.joint)
    for link in (-1, FIXTURE_LINK):
        client.changeDynamics(body, link, lateralFriction=item.friction, linearDamping=0.04, angularDamping=0.04)
    client.changeDynamics(body, FIXTURE_LINK, jointLowerLimit=part.lower, jointUpperLimit=part.upper)
    if part.spring:
        client.setJointMotorControl2(
            body, FIXTURE_LINK, client.POSITION_CONTROL, targetPosition=0.0, force=part.spring, maxVelocity=0.3
        )
    else:
        client.setJointMotorControl2(
            body, FIXTURE_LINK, client.VELOCITY_CONTROL, targetVelocity=0.0, force=part.friction
        )
    return body


def _shape_arrays(client: Client, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Arguments of createCollisionShapeArray."""
    types = {
        "box": client.GEOM_BOX,
        "sphere": client.GEOM_SPHERE,
        "cylinder": client.GEOM_CYLINDER,
        "mesh": client.GEOM_MESH,
    }
    none = (0.0, 0.0, 0.0)
    return {
        "shapeTypes": [types[piece.shape] for piece in pieces],
        "halfExtents": [piece.dims if piece.shape == "box" else none for piece in pieces],
        "radii": [piece.dims[0] if piece.shape in ("sphere", "cylinder") else 0.0 for piece in pieces],
        "lengths": [piece.dims[1] if piece.shape == "cylinder" else 0.0 for piece in pieces],
        "fileNames": [piece.path for piece in pieces],
        "meshScales": [piece.dims if piece.shape == "mesh" else (1.0, 1.0, 1.0) for piece in pieces],
        "collisionFramePositions": [piece.position for piece in pieces],
        "collisionFrameOrientations": [piece.quaternion for piece in pieces],
    }
