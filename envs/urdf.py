"""Reads links, joints and visuals from a URDF file. Knows no PyBullet, but numbers links as PyBullet does.

PyBullet walks the tree depth first and visits a link's children in the order of their joints in the file
(`b3/URDF2Bullet.cpp`, `InitURDF2BulletCache`); the root is link -1.
"""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from envs.scene import Vec3
from vla.registry import nearest

GeometryKind = Literal["mesh", "box", "sphere", "cylinder"]
BASE = -1  # link index of the root, as in PyBullet


@dataclass(frozen=True)
class UrdfVisual:
    """One visual shape of a link.

    Attributes:
        kind: Geometry.
        path: Mesh file, for kind `mesh`, else None.
        size: Scale (3,) of a mesh; full lengths (3,) of a box; (radius,) of a sphere; (radius, length) of a cylinder.
        xyz: Origin in the link's frame, metres.
        rpy: Roll, pitch, yaw of the origin, radians (fixed axes x, y, z).
        rgba: Colour of the URDF material, in [0, 1]; white if there is none.
    """

    kind: GeometryKind
    path: Path | None
    size: tuple[float, ...]
    xyz: Vec3
    rpy: Vec3
    rgba: tuple[float, float, float, float]


@dataclass(frozen=True)
class UrdfJoint:
    """How a link hangs on its parent. `xyz` (m), `rpy` (rad), `axis` are in the parent link's, child's frame."""

    name: str
    kind: str  # "fixed", "revolute", "prismatic", "continuous", ...
    xyz: Vec3
    rpy: Vec3
    axis: Vec3
    lower: float
    upper: float


@dataclass(frozen=True)
class UrdfLink:
    """One link. `index` and `parent` are PyBullet's; the root has index -1, parent -1 and no joint."""

    name: str
    index: int
    parent: int
    joint: UrdfJoint | None
    visuals: tuple[UrdfVisual, ...]


@dataclass(frozen=True)
class UrdfModel:
    """A robot. `links` are in index order and start with the root, so that link i is `links[i + 1]`."""

    name: str
    path: Path
    links: tuple[UrdfLink, ...]

    def link(self, name: str) -> UrdfLink:
        """The link called `name`. Raises UnknownNameError (a ValueError) naming the nearest one."""
        for link in self.links:
            if link.name == name:
                return link
        raise nearest("link", name, [link.name for link in self.links])


def pybullet_data_path() -> Path:
    """Folder of the `pybullet_data` package, found without importing it. Raises ValueError if it is not installed."""
    spec = importlib.util.find_spec("pybullet_data")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("the robot models come with pybullet_data, which is not installed: pip install pybullet")
    return Path(spec.submodule_search_locations[0])


@cache
def load_urdf(path: str | Path) -> UrdfModel:
    """Parse a URDF file; a relative path is looked up in pybullet_data.

    Raises:
        ValueError: The file or a mesh of it does not exist, it is not XML, or it is not one tree of links.
    """
    file = Path(path) if Path(path).is_absolute() else pybullet_data_path() / path
    if not file.is_file():
        raise ValueError(f"no URDF file {file}")
    try:
        robot = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{file} is not well-formed XML: {error}") from error
    materials = {m.get("name", ""): m for m in robot.iter("material") if m.find("color") is not None}
    elements = {_name(e): e for e in robot.findall("link")}
    joints = robot.findall("joint")
    parents = {_child(j): _parent(j) for j in joints}
    roots = [name for name in elements if name not in parents]
    if len(roots) != 1:
        raise ValueError(f"{file} must have exactly one root link, it has {roots}")
    links: list[UrdfLink] = []

    def visit(name: str, parent: int, joint: UrdfJoint | None) -> None:
        index = len(links) - 1
        visuals = tuple(_visual(v, file, materials) for v in elements[name].findall("visual"))
        links.append(UrdfLink(name, index, parent, joint, visuals))
        for child in joints:
            if _parent(child) == name:
                visit(_child(child), index, _joint(child))

    visit(roots[0], BASE, None)
    return UrdfModel(robot.get("name", file.stem), file, tuple(links))


def _name(element: ElementTree.Element) -> str:
    return element.get("name", "")


def _parent(joint: ElementTree.Element) -> str:
    return _require(joint, "parent").get("link", "")


def _child(joint: ElementTree.Element) -> str:
    return _require(joint, "child").get("link", "")


def _require(element: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = element.find(tag)
    if found is None:
        raise ValueError(f"<{element.tag} name={_name(element)!r}> has no <{tag}>")
    return found


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split())


def _origin(element: ElementTree.Element) -> tuple[Vec3, Vec3]:
    origin = element.find("origin")
    if origin is None:
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    xyz, rpy = _floats(origin.get("xyz", "0 0 0")), _floats(origin.get("rpy", "0 0 0"))
    return cast(Vec3, xyz), cast(Vec3, rpy)


def _joint(element: ElementTree.Element) -> UrdfJoint:
    axis, limit = element.find("axis"), element.find("limit")
    xyz, rpy = _origin(element)
    return UrdfJoint(
        name=_name(element),
        kind=element.get("type", "fixed"),
        xyz=xyz,
        rpy=rpy,
        axis=cast(Vec3, _floats(axis.get("xyz", "1 0 0"))) if axis is not None else (1.0, 0.0, 0.0),
        lower=float(limit.get("lower", 0.0)) if limit is not None else 0.0,
        upper=float(limit.get("upper", 0.0)) if limit is not None else 0.0,
    )


def _visual(element: ElementTree.Element, file: Path, materials: dict[str, ElementTree.Element]) -> UrdfVisual:
    kind, path, size = _geometry(_require(element, "geometry"), file)
    xyz, rpy = _origin(element)
    material = element.find("material")
    named = None if material is None else materials.get(_name(material), material)
    color = None if named is None else named.find("color")
    rgba = _floats(color.get("rgba", "1 1 1 1")) if color is not None else (1.0, 1.0, 1.0, 1.0)
    return UrdfVisual(kind, path, size, xyz, rpy, cast(tuple[float, float, float, float], rgba))


def _geometry(element: ElementTree.Element, file: Path) -> tuple[GeometryKind, Path | None, tuple[float, ...]]:
    shape = element[0] if len(element) else element
    if shape.tag == "mesh":
        return "mesh", find_mesh(shape.get("filename", ""), file), _floats(shape.get("scale", "1 1 1"))
    if shape.tag == "box":
        return "box", None, _floats(shape.get("size", ""))
    if shape.tag == "sphere":
        return "sphere", None, (float(shape.get("radius", "")),)
    if shape.tag == "cylinder":
        return "cylinder", None, (float(shape.get("radius", "")), float(shape.get("length", "")))
    raise nearest("geometry", shape.tag, ["mesh", "box", "sphere", "cylinder"])


def find_mesh(filename: str, file: Path) -> Path:
    """Resolve `package://a/b.obj` or `a/b.obj` against the URDF's folder, then its parents (as PyBullet does)."""
    relative = filename.removeprefix("package://").removeprefix("file://")
    for folder in (file.parent, *file.parents[1:4]):
        if (folder / relative).is_file():
            return folder / relative
    raise ValueError(f"{file} names the mesh {filename!r}, which is not in {file.parent} or its parents")
