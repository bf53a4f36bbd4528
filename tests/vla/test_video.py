"""Videos: what is drawn, and files that players accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.vla.toy import record, requests
from vla.contract import ByteArray, EpisodeRequest, Perturbation
from vla.episode import Episode
from vla.video import OUTCOMES, Caption, Look, add_caption, encode, episode_frames, side_by_side, wrap, write_episode

LOOK = Look(("front", "wrist"), hold_s=0.3)


@pytest.fixture(scope="module")
def episode() -> Episode:
    return record(requests(1)[0])


def draw(step: int) -> Mapping[str, ByteArray]:
    """Flat pictures whose colour tells camera and step."""
    red = np.uint8(100 + 5 * step)
    return {
        "front": np.full((64, 64, 3), (red, 0, 0), np.uint8),
        "wrist": np.full((32, 48, 3), (0, red, 0), np.uint8),
    }


def test_one_picture_a_step_and_the_last_one_held(episode: Episode) -> None:
    frames = list(episode_frames(episode, draw, LOOK))
    assert len(frames) == len(episode) + 1 + 3
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    assert np.array_equal(frames[-1], frames[-4])
    assert not np.array_equal(frames[-4], frames[-5])


def test_both_cameras_are_there(episode: Episode) -> None:
    first = next(iter(episode_frames(episode, draw, LOOK)))
    views = draw(0)
    for camera in LOOK.cameras:
        assert (first == views[camera][0, 0]).all(axis=-1).sum() > 0.9 * 64 * 64
    with pytest.raises(ValueError, match="no camera 'side'; the scene has"):
        next(iter(episode_frames(episode, draw, Look(("side",)))))


def test_the_outcome_is_shown_at_the_end_only(episode: Episode) -> None:
    frames = list(episode_frames(episode, draw, LOOK))
    green = np.array(OUTCOMES["success"], np.uint8)
    assert episode.result.outcome == "success"
    assert (frames[-1] == green).all(axis=-1).sum() > 50
    assert not (frames[-5] == green).all(axis=-1).any()


def test_captions_change_with_every_word_of_theirs() -> None:
    picture = np.zeros((96, 192, 3), np.uint8)
    base = Caption("lift the red block", 3, 10)
    others = [replace(base, step=4), replace(base, outcome="failure"), replace(base, instruction="lift the blue block")]
    pictures = [add_caption(picture, caption) for caption in (base, *others, replace(base, note="light level 2"))]
    assert len({image.tobytes() for image in pictures}) == len(pictures)
    assert all(np.array_equal(image[-130:-34], pictures[0][-130:-34]) for image in pictures[1:])


def test_notes_say_the_axis_and_at_the_end_the_reason() -> None:
    request = EpisodeRequest("Lift", 0, perturbations=(Perturbation("light_intensity", 2),))
    caption = Caption("", 1, 2)
    assert caption.with_cell(request, "").note == "light_intensity level 2"
    assert caption.with_cell(request, "time_limit:wrong_object:red_block").note == "wrong object: red block"
    assert caption.with_cell(request.twin, "success").note == ""


def test_text_is_wrapped_and_cut() -> None:
    assert wrap("lift the red block", 16, 1000) == ["lift the red block"]
    rows = wrap("put the dark red block that is left of the bowl into the bowl on the right side", 16, 150)
    assert len(rows) == 2
    assert rows[1].endswith("...")
    assert wrap("", 16, 100) == [""]


def test_other_heights_are_fitted() -> None:
    views = [np.zeros((64, 64, 3), np.uint8), np.zeros((32, 48, 3), np.uint8)]
    assert side_by_side(views, ("a", "b")).shape == (64, 64 + 2 + 96, 3)


def test_files_are_h264_with_the_index_in_front_and_the_same_bytes_again(episode: Episode, tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    write_episode(episode, draw, path, LOOK)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == Fraction(10)
    frames = list(episode_frames(episode, draw, LOOK))
    assert len(pictures) == len(frames)
    assert np.abs(pictures[0].astype(int) - frames[0]).mean() < 6
    write_episode(episode, draw, path, LOOK)
    assert path.read_bytes() == data
    assert [file.name for file in path.parent.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "at least one frame"),
        ([np.zeros((9, 8, 3), np.uint8)], "even H and W"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], r"a frame has shape \(8, 10, 3\)"),
    ],
)
def test_what_cannot_be_a_video_leaves_no_file(frames: list[ByteArray], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        encode(frames, tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())
