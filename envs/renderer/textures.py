"""Procedural surface patterns as small tileable fields with mip levels.

A pattern is one value per texel that blends `Texture.rgb` into `Texture.rgb2`; colours are applied when a pixel is
shaded, so a new colour costs nothing. `image` textures have three planes. The field depends on the kind and on
`seed % VARIANTS`; the seed also shifts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.scene import Texture
from vla.contract import ByteArray
from vla.registry import nearest

SIZE = 256  # texels along one repetition, a power of two
VARIANTS = 8
KINDS = ("plain", "wood", "tiles", "checker", "noise", "stripes", "dots", "image")
Field = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Baked:
    """A texture's texels: for each channel all mip levels one after another, largest first.

    A texel is four bytes: from the lowest, its value and those of its right, lower and lower right neighbour.
    """

    texels: NDArray[np.uint32]  # (channels M,)
    channels: int  # 0 plain, 1 blend field, 3 image
    log2_size: int
    shift: tuple[float, float]  # added to the uv, in repetitions


def bake(texture: Texture) -> Baked:
    """Texels of a texture. Raises ValueError for an unknown kind, a scale <= 0 or an image that cannot be read."""
    if texture.kind not in KINDS:
        raise nearest("texture kind", texture.kind, list(KINDS))
    if not texture.scale_m > 0:
        raise ValueError(f"texture scale_m must be > 0, it is {texture.scale_m}")
    if texture.kind == "plain":
        return Baked(np.zeros(0, np.uint32), 0, 0, (0.0, 0.0))
    if texture.kind == "image":
        return _bake_image(texture.path)
    log2_size = SIZE.bit_length() - 1
    shift = np.random.default_rng(texture.seed).random(2) if texture.seed else np.zeros(2)
    texels = _bake_field(texture.kind, texture.seed % VARIANTS)
    return Baked(texels, 1, log2_size, (float(shift[0]), float(shift[1])))


def texture_image(texture: Texture, size: int = SIZE) -> ByteArray:
    """One repetition as a picture (size, size, 3), first row at v = 0: what the shader shows for this texture."""
    baked = bake(texture)
    rgb, rgb2 = np.asarray(texture.rgb), np.asarray(texture.rgb2)
    if baked.channels == 0:
        return np.broadcast_to(_to_bytes(rgb), (size, size, 3)).copy()
    side = 1 << baked.log2_size
    planes = baked.texels.reshape(baked.channels, -1)[:, : side * side] & 255
    top = planes.T.reshape(side, side, baked.channels).astype(np.float64) / 255
    colour = rgb + (rgb2 - rgb) * top if baked.channels == 1 else top
    index = np.arange(size) * side // size
    rows = (index + int(baked.shift[1] * side)) % side
    columns = (index + int(baked.shift[0] * side)) % side
    return _to_bytes(colour[rows][:, columns])


def _to_bytes(values: Field) -> ByteArray:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _bake_field(kind: str, variant: int) -> NDArray[np.uint32]:
    pattern = {
        "wood": _wood,
        "tiles": _tiles,
        "checker": _checker,
        "noise": _noise,
        "stripes": _stripes,
        "dots": _dots,
    }[kind]
    return _mip_chain(_to_bytes(np.clip(pattern(variant), 0, 1)))


@lru_cache(maxsize=32)
def _bake_image(path: str) -> Baked:
    import cv2

    image = cv2.imread(path) if Path(path).is_file() else None
    if image is None:
        raise ValueError(f"texture image {path!r} does not exist or is no picture")
    square = cv2.resize(image[:, :, ::-1], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    planes = [_mip_chain(np.ascontiguousarray(square[::-1, :, channel])) for channel in range(3)]
    return Baked(np.concatenate(planes), 3, SIZE.bit_length() - 1, (0.0, 0.0))


def _mip_chain(image: ByteArray) -> NDArray[np.uint32]:
    """Halve (S, S) down to 1 x 1 by averaging 2 x 2 values; the levels' texels one after another."""
    levels = [image]
    while levels[-1].shape[0] > 1:
        last = levels[-1].astype(np.float64)
        mean = (last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]) / 4
        levels.append((mean + 0.5).astype(np.uint8))
    return np.concatenate([_with_neighbours(level).reshape(-1) for level in levels])


def _with_neighbours(level: ByteArray) -> NDArray[np.uint32]:
    """(S, S) values with those to the right, below and both in the higher bytes; the pattern repeats."""
    right, below = np.roll(level, -1, axis=1), np.roll(level, -1, axis=0)
    both = np.roll(below, -1, axis=1)
    bytes_ = (value.astype(np.uint32) << (8 * i) for i, value in enumerate((level, right, below, both)))
    return np.asarray(np.bitwise_or.reduce(list(bytes_)), np.uint32)


def _grid() -> tuple[Field, Field]:
    """U along columns, v along rows, in [0, 1)."""
    line = (np.arange(SIZE) + 0.5) / SIZE
    u, v = np.meshgrid(line, line)
    return u, v


def _value_noise(rng: np.random.Generator, cells_u: int, cells_v: int) -> Field:
    """Smooth random field in [0, 1] that repeats at the borders."""
    lattice = rng.random((cells_v, cells_u))
    u, v = _grid()
    x, y = u * cells_u, v * cells_v
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    x1, y1 = (x0 + 1) % cells_u, (y0 + 1) % cells_v
    low = lattice[y0, x0] * (1 - fx) + lattice[y0, x1] * fx
    high = lattice[y1, x0] * (1 - fx) + lattice[y1, x1] * fx
    return np.asarray(low * (1 - fy) + high * fy)


def _fractal(rng: np.random.Generator, cells_u: int, cells_v: int, octaves: int) -> Field:
    layers = [_value_noise(rng, cells_u << k, cells_v << k) * 0.5**k for k in range(octaves)]
    return np.asarray(sum(layers) / sum(0.5**k for k in range(octaves)))


def _wood(variant: int) -> Field:
    """Four boards along v; each with its own tone and grain along u."""
    rng = np.random.default_rng([1, variant])
    u, v = _grid()
    boards = 4
    board = (v * boards).astype(int)
    warp = _fractal(rng, 2, 8, 3)
    phase = rng.random(boards)[board]
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (v * 26 + 3.0 * warp + 7 * phase + 0.6 * np.sin(2 * np.pi * (u + phase))))
    fibre = _fractal(rng, 4, 64, 2)
    tone = 0.35 * rng.random(boards)[board]
    seam = np.minimum(v * boards % 1, 1 - v * boards % 1) < 0.014
    return np.asarray(np.where(seam, 1.0, tone + 0.30 * rings + 0.30 * fibre))


def _tiles(variant: int) -> Field:
    """2 x 2 tiles with joints; each tile of a slightly different tone."""
    rng = np.random.default_rng([2, variant])
    u, v = _grid()
    tile = 2
    tone = 0.35 * rng.random((tile, tile))[(v * tile).astype(int), (u * tile).astype(int)]
    edge = np.minimum.reduce([u * tile % 1, 1 - u * tile % 1, v * tile % 1, 1 - v * tile % 1])
    return np.asarray(np.where(edge < 0.018, 1.0, tone + 0.1 * _fractal(rng, 8, 8, 3)))


def _checker(variant: int) -> Field:
    """2 x 2 squares, alternating."""
    u, v = _grid()
    return np.asarray(((u * 2).astype(int) + (v * 2).astype(int) + variant) % 2, np.float64)


def _stripes(variant: int) -> Field:
    """Two stripes of each colour, along v or along u."""
    along = _grid()[variant % 2]
    return np.asarray((along * 4).astype(int) % 2, np.float64)


def _dots(variant: int) -> Field:
    """Discs in a grid turned by 45 degrees, which cover between a fifth and two fifths."""
    u, v = _grid()
    radius = 0.18 + 0.07 * (variant % 3) / 2
    middles = ((0.25, 0.25), (0.75, 0.75))
    return np.asarray(sum(np.hypot(u - x, v - y) < radius for x, y in middles), np.float64)


def _noise(variant: int) -> Field:
    """Five octaves of value noise, stretched to full contrast."""
    field = _fractal(np.random.default_rng([3, variant]), 4, 4, 5)
    return np.asarray((field - field.min()) / (field.max() - field.min()))
