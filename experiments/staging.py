"""What the report's player draws of a stored episode: the meshes and colours of its scene."""

from __future__ import annotations

import numpy as np

from envs.cameras import FRONT
from envs.renderer.build import build_render_scene
from envs.renderer.textures import texture_image
from envs.renderer.types import Mesh, Node
from envs.scene import RGB, LightSpec, SceneSpec, Texture
from vla.contract import FloatArray
from vla.episode import Episode
from vla.report_poses import Solid, Stage

DETAIL = 480  # pixels: meshes are as fine as a picture of that height asks for
PAINTED = 64  # pixels of a scanned object's picture, so few that a face's colour is that of its surroundings
SIMPLE = ("plain", "checker", "tiles", "wood", "noise", "stripes", "dots")


def stage(episode: Episode) -> Stage:
    """The scene of an episode as the player draws it: seen from its front camera, without what lens and sensor do."""
    spec = SceneSpec.from_dict(episode.spec)
    scene = build_render_scene(spec, image_height=DETAIL)
    light = spec.light
    front = next((camera for camera in spec.cameras if camera.parent == "world"), FRONT)
    return Stage(
        solids=tuple(_solid(node) for node in scene.nodes),
        eye=front.eye,
        target=front.target,
        fov_y=front.fov_y,
        light=light.direction,
        sun=light.directional,
        sky=_sky(light),
        shadows=light.shadows,
        table=spec.table.height,
        control_hz=float(spec.robot.control_hz),
    )


def _sky(light: LightSpec) -> RGB:
    """Ambient light, and half of the point lights, which the player takes to come from everywhere."""
    points = [light.point, *(lamp.rgb for lamp in light.lamps)]
    red, green, blue = (
        a + sum(channel) / 2 for a, channel in zip(light.ambient, zip(*points, strict=True), strict=True)
    )
    return red, green, blue


def _solid(node: Node) -> Solid:
    texture, mesh = node.material.texture, node.mesh
    painted = texture.kind == "image"
    colors = _painted(mesh, texture) if painted else mesh.face_rgb
    return Solid(
        vertices=mesh.vertices,
        faces=mesh.faces,
        normals=mesh.normals,
        face_rgb=colors,
        row=node.row,
        pose=node.static_pose,
        rgb=(1.0, 1.0, 1.0) if painted else texture.rgb,
        rgb2=texture.rgb2,
        pattern=texture.kind if texture.kind in SIMPLE else "plain",
        scale_m=texture.scale_m,
        gloss=node.material.specular,
        casts=node.casts_shadow,
    )


def _painted(mesh: Mesh, texture: Texture) -> FloatArray:
    """Colour (F, 3) in [0, 1] of each face of a scanned object: that of the picture at the face's centre."""
    image = texture_image(texture, PAINTED)
    uv = (mesh.uvs / texture.scale_m)[mesh.faces].mean(axis=1) % 1.0
    columns, rows = np.minimum((uv * PAINTED).astype(int), PAINTED - 1).T
    colors: FloatArray = image[rows, columns].astype(np.float32) / 255
    return colors
