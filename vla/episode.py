"""Episode: one recorded run as scene description, poses, actions and outcome. Knows neither pixels nor files.

Pixels are absent on purpose: with its scene description and its poses, every frame of an episode can be drawn again at
any resolution, with the same bytes as the frames seen live.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vla.contract import ACTION_DIM, STATE_DIM, EpisodeRequest, EpisodeResult, FloatArray, Perturbation
from vla.measures import Measures

_KEY = re.compile(r"(train|eval)-(-?\d+)-([^-]+)-([^-]+)-(\d+)")
POSE_DIM = 7  # position 3 (m, world), quaternion xyzw 4


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode of T control steps, with N pose rows.

    Attributes:
        request: What names the episode.
        spec: The scene description as JSON-ready data (`envs.scene.SceneSpec.from_dict` reads it).
        poses: (T+1, N, 7) float32: position (m, world) and quaternion xyzw of each pose row, before each step and at
            the end.
        agent_pos: (T+1, 8) float32 proprioception, see `vla.contract.STATE_DIM`.
        action: (T, A) float32 in [-1, 1]: what the policy wanted, the label to learn from; A is up to the control mode,
            7 for tool poses.
        executed: (T, A) float32 in [-1, 1]: what the world carried out; differs from `action` where noise was injected
            and where the scene disturbs actions.
        result: How it ended.
        meta: Free JSON-ready notes (policy, versions); not part of the content hash.
    """

    request: EpisodeRequest
    spec: dict[str, Any]
    poses: FloatArray
    agent_pos: FloatArray
    action: FloatArray
    executed: FloatArray
    result: EpisodeResult
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check shapes and dtypes. Raises ValueError naming the array that does not fit."""
        steps = len(self.action)
        rows = self.poses.shape[1] if self.poses.ndim == 3 else 0
        entries = self.action.shape[1] if self.action.ndim == 2 else ACTION_DIM
        expected = {
            "poses": (steps + 1, rows, POSE_DIM),
            "agent_pos": (steps + 1, STATE_DIM),
            "action": (steps, entries),
            "executed": (steps, entries),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(
                    f"episode {self.request.key}: {name} is {array.dtype} {array.shape}, expected float32 {shape}"
                )

    def __len__(self) -> int:
        """Number of control steps T."""
        return len(self.action)

    @property
    def key(self) -> str:
        """The unique name of the episode: that of its request."""
        return self.request.key

    @property
    def instruction(self) -> str:
        """The instruction that the policy was given; a line each for what was said after one another."""
        return self.result.instruction

    def said(self, step: int) -> str:
        """What was said to the policy at a control step; empty before anything was."""
        heard = sum(at <= step for at in self.result.said_at)
        return self.instruction.split("\n")[heard - 1] if heard else ""

    def header(self) -> dict[str, Any]:
        """Everything but the arrays, the wall time and the notes, as JSON-ready data: what the request determines."""
        result = result_to_dict(self.result)
        del result["request"], result["wall_s"]
        return {"request": request_to_dict(self.request), "spec": self.spec, "result": result}

    def content_hash(self) -> str:
        """SHA-256 (hex) over header and arrays: equal for every run of one request by one deterministic policy."""
        digest = hashlib.sha256(canonical_json(self.header()))
        for name in ("poses", "agent_pos", "action", "executed"):
            array = np.ascontiguousarray(getattr(self, name), dtype="<f4")
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.data)
        return digest.hexdigest()


def canonical_json(data: Mapping[str, Any]) -> bytes:
    """`data` as JSON bytes with sorted keys and no spaces. Raises ValueError for NaN and infinity."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def request_from_key(key: str) -> EpisodeRequest:
    """Invert `EpisodeRequest.key`. Raises ValueError for another string."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise ValueError(f"{key!r} is no episode key; expected for example 'train-0-Lift-none.0-00012'")
    split, seed, task, axes, index = match.groups()
    names = [] if axes == "none.0" else axes.split("+")
    pairs = (name.rpartition(".") for name in names)
    perturbations = tuple(Perturbation(axis, int(level)) for axis, _, level in pairs)
    return EpisodeRequest(task, int(index), int(seed), "eval" if split == "eval" else "train", perturbations)


def request_to_dict(request: EpisodeRequest) -> dict[str, Any]:
    """`request` as JSON-ready data."""
    return dataclasses.asdict(request)


def request_from_dict(data: Mapping[str, Any]) -> EpisodeRequest:
    """Read what `request_to_dict` wrote. Raises KeyError or TypeError for other data."""
    perturbations = tuple(Perturbation(**p) for p in data["perturbations"])
    return EpisodeRequest(**{**data, "perturbations": perturbations})


def result_to_dict(result: EpisodeResult) -> dict[str, Any]:
    """`result` as JSON-ready data, its request included; parts are told only of a goal that has several."""
    data = dataclasses.asdict(result)
    if result.parts == 1:
        del data["parts"], data["done_at"]
    return data


def result_from_dict(data: Mapping[str, Any]) -> EpisodeResult:
    """Read what `result_to_dict` wrote. Raises KeyError or TypeError for other data."""
    request = request_from_dict(data["request"])
    done_at, said_at = tuple(data.get("done_at", ())), tuple(data["said_at"])
    measures = None if data["measures"] is None else Measures.from_dict(data["measures"])
    return EpisodeResult(**{**data, "request": request, "done_at": done_at, "said_at": said_at, "measures": measures})
