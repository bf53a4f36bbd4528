"""Kinds made from mesh files of the `pybullet_data` package: shapes that no task trains on.

The size is the longest side as it lies. A kind is only a name until its shape is asked for: no file is read before.
Where each file comes from and under which licence is listed in docs/assets.md.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.meshes import Float64
from envs.objects.models import Model, model_shape
from envs.objects.walls import round_wall
from envs.scene import Vec3

MASS = 0.05  # kg

MODELS: Mapping[str, tuple[Model, Noun]] = {
    "duck": (Model("duck.obj", "duck_vhacd.obj", "y"), Noun("duck", ("duckling", "bird"))),
    "teddy": (Model("teddy2_VHACD_CHs.obj"), Noun("teddy", ("bear", "plush toy"))),
    "mug_model": (
        Model("objects/mug.obj", "objects/mug_col.obj", "z", length=0.07),
        Noun("coffee mug", ("jug", "pitcher")),
    ),
    "soccer_ball": (
        Model("soccerball.obj", up="z", parts=False, length=0.045),
        Noun("soccer ball", ("football", "globe")),
    ),
    "domino": (Model("domino/domino.obj", up="x"), Noun("domino", ("tile", "bone"))),
    "jenga": (
        Model("jenga/jenga.obj", up="z", scale=(0.15, 0.05, 0.03), length=0.08),
        Noun("plank", ("slat", "beam")),
    ),
    "lego": (Model("lego/lego.obj", up="y", parts=False, length=0.05), Noun("lego", ("studded toy", "building toy"))),
}
STATED = ("domino", "soccer_ball")  # whose maker and licence are stated; tasks and default suites use no others
BLOB_FILES = 200  # of the 1,000 of random_urdfs; more would add nothing but time to look at them
UNFIT = (  # more than 8 convex parts, flatter than 12 mm, without volume, or not lying still and lifted straight
    10,
    17,
    37,
    44,
    53,
    65,
    72,
    79,
    86,
    87,
    100,
    108,
    109,
    110,
    113,
    121,
    123,
    127,
    134,
    135,
    137,
    139,
    162,
    167,
    168,
    169,
    171,
    174,
    175,
    178,
)
BLOBS = tuple(i for i in range(BLOB_FILES) if i not in UNFIT)


def _from_file(model: Model, size: Size) -> Shape:
    return model_shape(model, size[0])


def _mug(model: Model, size: Size) -> Shape:
    shape = model_shape(model, size[0])
    return replace(shape, pieces=(*_mug_body(size[0]), *shape.pieces[1:]))


def _ball(model: Model, size: Size) -> Shape:
    pieces = (Piece("sphere", (size[0] / 2,)),)
    return replace(model_shape(model, size[0]), pieces=pieces, height=size[0], grasp=Grasp(turns=0))


def _mug_body(length: float) -> tuple[Piece, ...]:
    """A hollow body for the modelled mug, whose file has a solid one as its first part, so that things fit in."""
    outer, half, aside, wall = 0.336 * length, 0.41 * length, -0.164 * length, 0.05 * length
    disc = Piece("cylinder", (outer, wall), (0.0, 0.0, wall / 2 - half))
    pieces = (disc, *round_wall(outer, wall, wall / 2 - half, half))
    shift = np.array([0.0, aside, 0.0])
    return tuple(replace(piece, position=_vector(shift + piece.position)) for piece in pieces)


def _vector(values: Float64) -> Vec3:
    return (float(values[0]), float(values[1]), float(values[2]))


for _name, (_model, _noun) in MODELS.items():
    _rolling = 0.001 if _name == "soccer_ball" else 0.0
    kind(_name, {"length": _model.length}, noun=_noun, mass=MASS, smooth=True, rolling_friction=_rolling)(
        functools.partial({"mug_model": _mug, "soccer_ball": _ball}.get(_name, _from_file), _model)
    )
for _number in BLOBS:
    _model = Model(f"random_urdfs/{_number:03d}/{_number:03d}.obj")
    _noun = Noun("object", ("item", "thingamajig"))
    kind(f"scan_{_number:03d}", {"length": _model.length}, noun=_noun, mass=MASS, smooth=True)(
        functools.partial(_from_file, _model)
    )
