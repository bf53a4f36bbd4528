"""Contact sheet of a stored episode: its course in one picture. Knows no renderer: frames come from a function."""

from __future__ import annotations

import numpy as np

from vla.contract import ByteArray
from vla.episode import Episode
from vla.video import Caption, FrameSource, add_caption, side_by_side


def contact_sheet(episode: Episode, frames: FrameSource, cameras: tuple[str, ...], moments: int = 8) -> ByteArray:
    """One column per moment, evenly spaced from the first to the last, one row per camera, captioned.

    Args:
        episode: What to show.
        frames: Control step to camera name to picture (H, W, 3).
        cameras: Rows, top to bottom.
        moments: Columns at most.

    Returns:
        (H', W', 3) sRGB.

    Raises:
        ValueError: Less than one moment, or a camera that `frames` does not give.
    """
    if moments < 1:
        raise ValueError(f"expected at least one moment, got {moments}")
    steps = np.unique(np.linspace(0, len(episode), moments).round().astype(int))
    views = [frames(int(step)) for step in steps]
    for camera in cameras:
        if camera not in views[0]:
            raise ValueError(f"no camera {camera!r}; the scene has {sorted(views[0])}")
    labels = [f"step {step}" for step in steps]
    rows = [side_by_side([view[camera] for view in views], labels) for camera in cameras]
    caption = Caption(episode.instruction, len(episode), len(episode), episode.result.outcome)
    return add_caption(np.concatenate(rows), caption.with_cell(episode.request, episode.result.reason))
