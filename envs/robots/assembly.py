"""Robots put together from URDF files: an arm on its mount, with frames and a gripper added. Knows no robot by name.

The result is a file in the user's cache folder, named by its content, so that physics, kinematics and renderer all read
one and the same robot.
"""

from __future__ import annotations

import functools
import hashlib
import xml.etree.ElementTree as ElementTree

from envs.cache import cache_folder, write_atomically
from envs.scene import Vec3
from envs.urdf import find_mesh, load_urdf

MOUNT = "mount"
NO_BODY = (
    '<inertial><mass value="0.001"/><inertia ixx="1e-6" ixy="0" ixz="0" iyy="1e-6" iyz="0" izz="1e-6"/></inertial>'
)


def fixed(name: str, parent: str, xyz: Vec3, yaw: float = 0.0) -> str:
    """URDF text of a joint that fixes the link `name` to `parent`: metres, and radians about the parent's z axis."""
    at = f'<origin xyz="{xyz[0]} {xyz[1]} {xyz[2]}" rpy="0 0 {yaw}"/>'
    return f'<joint name="{name}_fixed" type="fixed"><parent link="{parent}"/><child link="{name}"/>{at}</joint>'


def frame(name: str, parent: str, xyz: Vec3, yaw: float = 0.0) -> str:
    """URDF text of a link without a body, fixed to `parent` as `fixed` says."""
    return f'<link name="{name}"/>{fixed(name, parent, xyz, yaw)}'


@functools.cache
def assemble(urdf: str, name: str, mount: Vec3, parts: str, without: tuple[str, ...] = ()) -> str:
    """Path of a URDF file: the arm of `urdf` standing at `mount`, with links and joints added.

    Args:
        urdf: File of the arm, relative to the folder of pybullet_data.
        name: Of the new robot.
        mount: Where the arm's root stands in the robot's base frame, metres. The base frame is the new root link, so
            that robots of different reach share one table, one workspace and one meaning of actions.
        parts: URDF text of links and joints. They come before the arm's in the file, and so they are numbered before
            links of the arm that hang on the same parent. Mesh paths are relative to the arm's file or its parents.
        without: Links of the arm's file that are left out, with the joints that they hang on.

    Raises:
        ValueError: The file or a mesh does not exist, or is not a URDF.
    """
    model = load_urdf(urdf)
    added = ElementTree.fromstring(
        f'<robot name="{name}"><link name="{MOUNT}"/>{fixed(model.links[0].name, MOUNT, mount)}{parts}</robot>'
    )
    arm = ElementTree.parse(model.path).getroot()
    kept = (element for element in arm if element.tag in ("link", "joint", "material"))
    added.extend(element for element in kept if not {element.get("name"), _child(element)} & set(without))
    for mesh in added.iter("mesh"):
        mesh.set("filename", str(find_mesh(mesh.get("filename", ""), model.path)))
    for link in added.iter("link"):
        if link.find("inertial") is None:  # PyBullet would make it 1 kg, and say so
            link.append(ElementTree.fromstring(NO_BODY))
    content = ElementTree.tostring(added)
    path = cache_folder("urdf") / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.urdf"
    if not path.is_file():
        write_atomically(path, content)
    return str(path)


def parts_of(urdf: str, links: tuple[str, ...], joints: tuple[str, ...]) -> str:
    """URDF text of some links and joints of a file (relative to the folder of pybullet_data), with absolute meshes."""
    model = load_urdf(urdf)
    root = ElementTree.parse(model.path).getroot()
    chosen = [e for e in root if (e.tag == "link" and e.get("name") in links) or e.get("name") in joints]
    for element in chosen:
        for mesh in element.iter("mesh"):
            mesh.set("filename", str(find_mesh(mesh.get("filename", ""), model.path)))
    return "".join(ElementTree.tostring(element, encoding="unicode") for element in chosen)


def _child(element: ElementTree.Element) -> str | None:
    """Name of the link that a joint moves; None for other elements."""
    child = element.find("child")
    return None if child is None else child.get("link")
