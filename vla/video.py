"""Videos of stored episodes: drawn again from poses, captioned, encoded as MP4 that browsers play.

Knows no renderer: the caller passes a function from control steps to frames; any resolution and any camera will do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from vla.contract import ByteArray, EpisodeRequest
from vla.episode import Episode
from vla.suites import UNPERTURBED, cell_of

FrameSource = Callable[[int], Mapping[str, ByteArray]]  # control step -> camera -> (H, W, 3) sRGB

Color = tuple[int, int, int]
BAR: Color = (17, 20, 26)
TEXT: Color = (240, 242, 245)
MUTED: Color = (150, 157, 168)
OUTCOMES: dict[str, Color] = {"success": (74, 201, 126), "failure": (255, 120, 92), "error": (255, 196, 61)}
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_PIXELS = 30.0  # height of FONT at scale 1, ascenders and descenders included


@dataclass(frozen=True)
class Look:
    """How a video looks.

    Attributes:
        cameras: Side by side, in this order.
        hold_s: Seconds that the last frame stays, with the outcome.
        fps: Frames a second; the control rate plays in real time.
        quality: x264's constant rate factor: lower is better and larger; 18 looks lossless, 28 is small.
    """

    cameras: tuple[str, ...] = ("front", "wrist")
    hold_s: float = 1.5
    fps: float = 10.0
    quality: int = 20


def write_episode(episode: Episode, frames: FrameSource, path: Path, look: Look | None = None) -> None:
    """Draw `episode` and write it to `path` (MP4). Raises ValueError for a camera that `frames` does not give."""
    look = look or Look()
    encode(episode_frames(episode, frames, look), path, fps=look.fps, quality=look.quality)


def episode_frames(episode: Episode, frames: FrameSource, look: Look) -> Iterator[ByteArray]:
    """Captioned pictures (H, W, 3), one a control step, the last one held."""
    steps = len(episode)
    for step in range(steps + 1):
        views = frames(step)
        missing = [camera for camera in look.cameras if camera not in views]
        if missing:
            raise ValueError(f"no camera {missing[0]!r}; the scene has {sorted(views)}")
        picture = side_by_side([views[camera] for camera in look.cameras], look.cameras)
        over = step == steps
        caption = Caption(episode.said(step), step, steps, episode.result.outcome if over else "")
        caption = caption.with_cell(episode.request, episode.result.reason if over else "")
        framed = add_caption(picture, caption)
        for _ in range(1 + round(look.hold_s * look.fps) if over else 1):
            yield framed


@dataclass(frozen=True)
class Caption:
    """What is drawn around a picture; `outcome` is "" until the end. `note` is the axis and level or the reason."""

    instruction: str
    step: int
    steps: int
    outcome: str = ""
    note: str = ""

    def with_cell(self, request: EpisodeRequest, reason: str) -> Caption:
        """The caption with the reason of a failure, or else the perturbation it ran under."""
        cell = cell_of(request)
        where = "" if cell.axis == UNPERTURBED else f"{cell.axis} level {cell.level}"
        why = reason.removeprefix("time_limit:").replace("_", " ").replace(":", ": ")
        note = why if reason not in {"", "success"} else where
        return Caption(self.instruction, self.step, self.steps, self.outcome, note)


def side_by_side(views: Sequence[ByteArray], names: Sequence[str]) -> ByteArray:
    """Pictures (H, W, 3) next to each other at the first one's height, each with its name in the corner."""
    height = views[0].shape[0]
    gap = np.full((height, max(2, height // 120), 3), BAR, np.uint8)
    row: list[ByteArray] = []
    for view, name in zip(views, names, strict=True):
        row += [gap] if row else []
        row.append(_tagged(_fitted(view, height), name))
    return np.concatenate(row, axis=1)


def _fitted(view: ByteArray, height: int) -> ByteArray:
    """A copy of `view` at another height."""
    width = round(view.shape[1] * height / view.shape[0])
    resized = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
    return np.array(resized, dtype=np.uint8)


def _tagged(view: ByteArray, name: str) -> ByteArray:
    """`view` with a small dark tag at its lower left. Too small pictures get none, it would hide the scene."""
    if view.shape[0] < 160:
        return view
    size = max(11, view.shape[0] // 30)
    width, pad = _width(name, size), size // 2
    top, right = view.shape[0] - size - 2 * pad, width + 2 * pad
    corner = view[top:, :right]
    view[top:, :right] = (corner * 0.35 + np.array(BAR) * 0.65).astype(np.uint8)
    write(view, name, pad, top + pad, size, TEXT)
    return view


def add_caption(picture: ByteArray, caption: Caption) -> ByteArray:
    """`picture` (H, W, 3) between a bar with the instruction and a bar with step and outcome; even height and width."""
    height, width = picture.shape[:2]
    size = max(12, min(max(18, height // 18), width // 24))  # legible in small pictures, not loud in large ones
    pad = size // 2
    lines = wrap(caption.instruction or "(no instruction)", size, width - 2 * pad)
    head = np.full((len(lines) * round(1.35 * size) + 2 * pad, width, 3), BAR, np.uint8)
    for number, line in enumerate(lines):
        write(head, line, pad, pad + number * round(1.35 * size), size, TEXT if caption.instruction else MUTED)
    foot = _foot(width, max(11, round(0.8 * size)), caption)
    whole = np.concatenate([head, picture, foot])
    even = [(0, side % 2) for side in whole.shape[:2]]
    return np.pad(whole, (*even, (0, 0)), mode="edge")  # yuv420p halves both sides


def _foot(width: int, size: int, caption: Caption) -> ByteArray:
    pad = size // 2
    foot = np.full((size + 3 * pad, width, 3), BAR, np.uint8)
    color = OUTCOMES.get(caption.outcome, (91, 141, 239))
    track = max(2, pad // 2)
    foot[:track] = (45, 50, 60)
    foot[:track, : round(width * caption.step / max(1, caption.steps))] = color
    top = track + pad
    left = f"step {caption.step}/{caption.steps}"
    write(foot, left, pad, top, size, MUTED)
    right = width - pad
    if caption.outcome:
        right -= _width(caption.outcome, size, 2)
        write(foot, caption.outcome, right, top, size, color, 2)
        right -= size
    space = right - 2 * pad - _width(left, size) - size
    if caption.note and space > 4 * size:
        note = wrap(caption.note, size, space)[0]
        write(foot, note, right - _width(note, size), top, size, MUTED)
    return foot


def wrap(text: str, size: int, width: int, lines: int = 2) -> list[str]:
    """Break `text` between words into at most `lines` lines of `width` pixels; the last one is cut with `...`."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if _width(longer, size) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    return [_cut(row, size, width) for row in rows]


def _cut(text: str, size: int, width: int) -> str:
    if _width(text, size) <= width:
        return text
    while text and _width(text + "...", size) > width:
        text = text[:-1]
    return text.rstrip() + "..."


def _width(text: str, size: int, thickness: int = 1) -> int:
    """Width in pixels of `text` when its line is `size` pixels high."""
    (width, _), _ = cv2.getTextSize(text, FONT, size / FONT_PIXELS, thickness)
    return int(width)


def write(picture: ByteArray, text: str, left: int, top: int, size: int, color: Color, thickness: int = 1) -> None:
    """Write one line into `picture` (H, W, 3), its upper left corner at (left, top), `size` pixels high."""
    origin = (left, top + round(0.8 * size))
    cv2.putText(picture, text, origin, FONT, size / FONT_PIXELS, color, thickness, cv2.LINE_AA)


def encode(frames: Iterable[ByteArray], path: Path, *, fps: float = 10.0, quality: int = 20) -> None:
    """Write pictures (H, W, 3) sRGB, H and W even, as MP4: H.264, yuv420p, index in front, so that browsers play it.

    The file appears whole or not at all. Raises ValueError without frames or for other shapes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.mp4")
    try:
        _encode(frames, temporary, fps, quality)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _encode(frames: Iterable[ByteArray], path: Path, fps: float, quality: int) -> None:
    # Without mbtree the same pictures give the same bytes; with it x264 was measured not to, at widths 130 and 144.
    options = {"crf": str(quality), "preset": "medium", "threads": "1", "mbtree": "0"}
    with av.open(str(path), mode="w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options=options)
        shape: tuple[int, ...] = ()
        for frame in frames:
            if not shape:
                shape = frame.shape
                if len(shape) != 3 or shape[2] != 3 or shape[0] % 2 or shape[1] % 2:
                    raise ValueError(f"expected frames (H, W, 3) with even H and W, got {shape}")
                stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
            if frame.shape != shape:
                raise ValueError(f"a frame has shape {frame.shape}, the first one had {shape}")
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        if not shape:
            raise ValueError("a video needs at least one frame")
        container.mux(stream.encode())
