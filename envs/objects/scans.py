"""Kinds made from mesh files of the `pybullet_data` package: shapes that no task trains on.

The size is the longest side as it lies. A kind is only a name until its shape is asked for: no file is read before.
Where each file comes from and under which licence is listed in docs/assets.md.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from envs.objects import Noun, Shape, Size, kind
from envs.objects.models import Model, model_shape

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
BLOB_FILES = 200  # of the 1,000 of random_urdfs; more would add nothing but time to look at them
UNFIT = (  # more than 8 convex parts, flatter than 12 mm, without volume, or not lifted straight at the default size
    1,
    10,
    13,
    16,
    17,
    22,
    24,
    30,
    37,
    44,
    45,
    53,
    64,
    65,
    67,
    72,
    76,
    78,
    79,
    86,
    87,
    93,
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
    139,
    152,
    162,
    163,
    167,
    168,
    169,
    172,
    174,
    175,
    177,
    178,
    190,
    192,
)
BLOBS = tuple(i for i in range(BLOB_FILES) if i not in UNFIT)


def _from_file(model: Model, size: Size) -> Shape:
    return model_shape(model, size[0])


for _name, (_model, _noun) in MODELS.items():
    _rolling = 0.001 if _name == "soccer_ball" else 0.0
    kind(_name, {"length": _model.length}, noun=_noun, mass=MASS, smooth=True, rolling_friction=_rolling)(
        functools.partial(_from_file, _model)
    )
for _number in BLOBS:
    _model = Model(f"random_urdfs/{_number:03d}/{_number:03d}.obj")
    _noun = Noun("object", ("item", "thingamajig"))
    kind(f"scan_{_number:03d}", {"length": _model.length}, noun=_noun, mass=MASS, smooth=True)(
        functools.partial(_from_file, _model)
    )
