"""The learned policy: a checkpoint that acts. Knows nothing of how it was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vla import checkpoint
from vla.contract import ACTION_DIM, FloatArray, Observation
from vla.execution import Execution
from vla.history import History
from vla.models.contract import Prefix


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: worlds run on the other cores, and threads that wait for them spin.

    It also keeps the last bits of the actions independent of the machine's number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class LearnedPolicy:
    """Acts with the network of a checkpoint.

    The network always sees a batch of `batch_size` rows, padded with zeros: floating-point results change with the
    shape of a batch but not with what its other rows hold, so an episode goes the same way however many run beside it.

    Args:
        path: Checkpoint folder, training run or demo run.
        batch_size: Rows of the fixed batch; callers that batch never pass more.
        device: Where to run; a GPU if there is one.

    Raises:
        CheckpointError: Nothing usable at `path`.
    """

    inputs: frozenset[str] = frozenset({"pixels", "agent_pos", "instruction"})
    batched = True

    def __init__(self, path: str | Path, *, batch_size: int = 8, device: str = "") -> None:
        """Load configuration and weights."""
        self.folder = checkpoint.find(path)
        self.config = checkpoint.load_config(self.folder)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = checkpoint.load_model(self.folder, self.config).to(self.device)
        self.batch_size = batch_size
        self.execute = self.config.execution.execute

    @property
    def execution(self) -> Execution:
        """How its chunks become actions; may be set. Raises ValueError for one that needs longer chunks."""
        return self.config.execution

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self.config = replace(self.config, execution=execution)
        self.execute = execution.execute

    @property
    def image_size(self) -> int:
        """Pixels a side that the network was made for."""
        return self.config.model.image_size

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras that the network looks through."""
        return self.config.model.cameras

    @property
    def history(self) -> History:
        """Which earlier moments the network sees."""
        return self.config.model.seen

    @property
    def robots(self) -> tuple[str, ...]:
        """Names of the robots that it was trained on."""
        return self.config.robots

    @property
    def tells_presence(self) -> bool:
        """Whether `confidence` can be asked."""
        return bool(getattr(self.config.model, "presence", False))

    @property
    def control(self) -> str:
        """The control mode that its actions are of."""
        return self.config.control

    @property
    def fingerprint(self) -> str:
        """Identifies the weights in results."""
        return checkpoint.fingerprint(self.folder)

    def reset(self, episode_seed: int) -> None:
        """Nothing to forget: the policy is pure in its observation."""

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return actions (B, C, 7) in [-1, 1]."""
        starts = range(0, len(observations), self.batch_size)
        with _one_thread():
            return np.concatenate([self._act(observations[start : start + self.batch_size]) for start in starts])

    @torch.inference_mode()
    def _act(self, observations: Sequence[Observation]) -> FloatArray:
        count, noise = len(observations), self._noise(observations)
        seen = self._seen(observations)
        actions = self.model.act(*seen, noise, self._prefix(observations))[:count].cpu().numpy()
        return self.config.normalizer.unnormalize(actions)

    def confidence(self, observations: Sequence[Observation]) -> FloatArray:
        """Probability (B,) that what each instruction names is in sight.

        Raises ValueError if the network has not learnt to tell.
        """
        starts = range(0, len(observations), self.batch_size)
        with _one_thread():
            return np.concatenate([self._tell(observations[start : start + self.batch_size]) for start in starts])

    @torch.inference_mode()
    def _tell(self, observations: Sequence[Observation]) -> FloatArray:
        found: FloatArray = self.model.presence(*self._seen(observations))[: len(observations)].cpu().numpy()
        return found

    def _seen(self, observations: Sequence[Observation]) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels, token ids and proprioception, as `vla.models.contract.VLA.act` takes them, in `batch_size` rows."""
        config, side = self.config.model, self.config.model.image_size
        pixels = np.zeros((self.batch_size, config.views, side, side, 3), np.uint8)
        state = np.zeros((self.batch_size, config.state_dim), np.float32)
        for row, observation in enumerate(observations):
            moments = self._moments(observation)
            images = [self._image(moment, camera) for moment in moments for camera in config.cameras]
            pixels[row] = np.stack(images)
            state[row] = self.config.normalizer.state(np.stack([moment["agent_pos"] for moment in moments])).ravel()
        deaf, blind = self.config.without == "words", self.config.without == "pixels"
        if blind:
            pixels[:] = 0
        texts = ["" if deaf else observation["instruction"] for observation in observations]
        tokens = self.config.vocabulary.encode(texts + [""] * (self.batch_size - len(observations)))
        seen, words, body = (torch.from_numpy(array).to(self.device) for array in (pixels, tokens, state))
        return seen, words, body

    def _noise(self, observations: Sequence[Observation]) -> Tensor:
        """What heads that sample start from, (`batch_size`, C, 7): a function of the episode and its step."""
        noise = np.zeros((self.batch_size, self.config.model.chunk, ACTION_DIM), np.float32)
        for row, observation in enumerate(observations):
            seed = (observation.get("episode_seed", 0), observation.get("step", 0))
            noise[row] = np.random.default_rng(seed).standard_normal(noise.shape[1:])
        return torch.from_numpy(noise).to(self.device)

    def _prefix(self, observations: Sequence[Observation]) -> Prefix | None:
        """What is planned in each row, normalised; None if chunks are not executed in real time.

        Rows without a plan get weight 0, so that what a row gives does not depend on whether others have one.
        """
        if not any("planned" in observation for observation in observations):
            return None
        actions = np.zeros((self.batch_size, self.config.model.chunk, ACTION_DIM), np.float32)
        weight = np.zeros(actions.shape[:2], np.float32)
        for row, observation in enumerate(observations):
            if (planned := observation.get("planned")) is not None:
                actions[row] = self.config.normalizer.actions(planned.actions)
                weight[row] = planned.weight
        return Prefix(*(torch.from_numpy(array).to(self.device) for array in (actions, weight)))

    def _moments(self, observation: Observation) -> tuple[Observation, ...]:
        """The present and the earlier moments that the network sees, newest first. Raises ValueError if some lack."""
        earlier = observation.get("earlier", ())
        if len(earlier) != self.history.frames:
            raise ValueError(
                f"the policy sees {self.history.frames} earlier moments, the observation has {len(earlier)}: "
                f"give the loop that plays it history={self.history}"
            )
        return (observation, *earlier)

    def _image(self, observation: Observation, camera: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        images, side = observation["pixels"], self.image_size
        if camera not in images:
            raise ValueError(f"the policy needs camera {camera!r}; the observation has {sorted(images)}")
        if images[camera].shape != (side, side, 3):
            raise ValueError(f"camera {camera!r} gave {images[camera].shape}, the policy needs {(side, side, 3)}")
        return images[camera]
