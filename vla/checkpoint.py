"""Checkpoints: safetensors weights and a JSON configuration, written atomically. No pickle; loading runs no code.

    <run>/checkpoints/000400/{model.safetensors, config.json, training_state.safetensors, text/...}
    <run>/checkpoints/last -> 000400

Knows no simulator.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cattrs
import torch
from cattrs.v import format_exception
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vla import __version__
from vla.execution import Execution
from vla.models.contract import BACKBONES, VLA, ModelConfig, make_model
from vla.normalize import Normalizer
from vla.pretrained import PretrainedError
from vla.registry import nearest
from vla.text import TextCoder, Vocabulary
from vla.text_pretrained import SentenceCoder
from vla.text_prompt import PromptCoder
from vla.thesaurus import edition

FORMAT = 5
HEAD = "head."  # what the names of an action head's weights begin with
TEXT_FOLDER = "text"  # files of the text coder, if it has any
CODERS: dict[str, type[TextCoder]] = {"words": Vocabulary, "prompt": PromptCoder, "sentence": SentenceCoder}

SENSES = ("words", "pixels")  # what a control can be trained without


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged or made for something else; the message says which file and why."""


@dataclass(frozen=True)
class PolicyConfig:
    """Everything besides the weights that is needed to act.

    Attributes:
        model: Shape of the network.
        vocabulary: Texts to ids.
        normalizer: Statistics of the training data.
        execution: How its chunks become actions.
        robots: Names of the robots that it was trained on.
        control: Their control mode.
        trained_on: Provenance: tasks, number of episodes, seeds, git commit, renderer.
        without: A sense that it was trained without and acts without, of `SENSES`; "" for a policy with all of them.
    """

    model: ModelConfig
    vocabulary: TextCoder
    normalizer: Normalizer
    execution: Execution = field(default_factory=Execution)
    robots: tuple[str, ...] = ("panda",)
    control: str = "pd_ee_delta_pose"
    trained_on: dict[str, Any] = field(default_factory=dict)
    without: str = ""
    format: int = FORMAT
    version: str = __version__

    def __post_init__(self) -> None:
        """Raise ValueError for an execution that needs longer chunks than the network gives, and an unknown sense."""
        if self.without and self.without not in SENSES:
            raise nearest("sense", self.without, list(SENSES))
        if self.execution.least > self.model.chunk:
            raise ValueError(
                f"{self.execution} needs chunks of {self.execution.least} actions, "
                f"the network's have {self.model.chunk}"
            )


def save(folder: Path, config: PolicyConfig, weights: Mapping[str, Tensor], training: Mapping[str, Tensor]) -> Path:
    """Write a checkpoint folder: all of it or nothing. Returns `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    _save_tensors(weights, scratch / "model.safetensors")
    if training:
        _save_tensors(training, scratch / "training_state.safetensors")
    (scratch / "config.json").write_text(json.dumps(_to_json(config), indent=1))
    config.vocabulary.write_files(scratch / TEXT_FOLDER)
    for path in [*scratch.rglob("*"), scratch]:
        _fsync(path)
    if folder.exists():
        shutil.rmtree(folder)
    scratch.rename(folder)
    link = folder.parent / f".last-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(folder.name)
    link.rename(folder.parent / "last")
    _fsync(folder.parent)
    return folder


def _to_json(config: PolicyConfig) -> dict[str, Any]:
    """`config` without what is kept in files or is this process's own: fields whose names begin with `_`."""
    data = asdict(config)
    data["vocabulary"] = {name: value for name, value in data["vocabulary"].items() if not name.startswith("_")}
    return data


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    # Plain contiguous copies: safetensors refuses shared memory and channels-last strides.
    save_file({k: v.detach().cpu().contiguous(memory_format=torch.contiguous_format) for k, v in tensors.items()}, path)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find(path: str | Path) -> Path:
    """The checkpoint folder meant by `path`: itself, or `checkpoints/last` of a run folder, or `train/` of a demo run.

    Raises CheckpointError if there is none.
    """
    root = Path(path)
    for candidate in (root, root / "checkpoints" / "last", root / "train" / "checkpoints" / "last"):
        if (candidate / "config.json").is_file():
            return candidate.resolve()
    found = "does not exist" if not root.exists() else f"holds {sorted(p.name for p in root.iterdir())[:8]}"
    raise CheckpointError(f"no checkpoint at {root}: expected config.json and model.safetensors; it {found}")


def progress(folder: Path) -> tuple[int, int]:
    """Steps done and steps planned of the run that left the checkpoint `folder`. Raises CheckpointError."""
    step, steps = read_tensors(folder / "training_state.safetensors")["step"].tolist()
    return int(step), int(steps)


def load_config(folder: Path) -> PolicyConfig:
    """Read and check `config.json`. Raises CheckpointError."""
    path = folder / "config.json"
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a policy configuration of format {FORMAT}")
    try:
        config = _converter().structure(data, PolicyConfig)
    except Exception as error:  # cattrs groups the field errors
        problems = cattrs.transform_error(error, format_exception=_explain)
        raise CheckpointError(f"{path}: {'; '.join(problems)}") from error
    try:
        return replace(config, vocabulary=config.vocabulary.read_files(folder / TEXT_FOLDER))
    except ValueError as error:
        raise CheckpointError(f"{folder}: {error}") from error


def set_reading(path: str | Path, reading: str, drop: bool = False) -> PolicyConfig:
    """Let a finished checkpoint read unknown words otherwise, without training; its fingerprint becomes another.

    Args:
        path: As for `find`.
        reading: "plain" or "forgiving", see `vla.text.Vocabulary`.
        drop: Leave out words that stay unknown.

    Raises:
        CheckpointError: Nothing usable at `path`, an unknown reading, or a text coder that is no list of words.
    """
    folder = find(path)
    config = folder / "config.json"
    data = json.loads(config.read_text())
    if data["vocabulary"]["kind"] != Vocabulary.kind:
        raise CheckpointError(f"{folder}: its text coder is {data['vocabulary']['kind']!r}; only 'words' can be set")
    used = edition() if reading == "forgiving" else ""
    data["vocabulary"] |= {"reading": reading, "drop": drop, "thesaurus": used}
    try:
        _converter().structure(data, PolicyConfig)
    except Exception as error:  # cattrs groups the field errors
        problems = cattrs.transform_error(error, format_exception=_explain)
        raise CheckpointError(f"{config}: {'; '.join(problems)}") from error
    scratch = config.with_name(f".config-{os.getpid()}.json")
    scratch.write_text(json.dumps(data, indent=1))
    _fsync(scratch)
    scratch.replace(config)
    _fsync(folder)
    return load_config(folder)


def _converter() -> cattrs.Converter:
    """Reads configurations; the classes of network and text coder follow from the names that they go by."""
    converter = cattrs.Converter(forbid_extra_keys=True)

    def model(data: Any, kind: type) -> Any:
        name = data.get("backbone") if isinstance(data, dict) else data
        return converter.structure(data, BACKBONES[str(name)].config_class)

    def coder(data: Any, kind: type) -> Any:
        name = str(data.get("kind") if isinstance(data, dict) else data)
        if name not in CODERS:
            raise nearest("text coder", name, list(CODERS))
        return converter.structure(data, CODERS[name])

    converter.register_structure_hook_func(lambda kind: kind is ModelConfig, model)
    converter.register_structure_hook_func(lambda kind: kind is TextCoder, coder)
    return converter


def _explain(error: BaseException, kind: type | None) -> str:
    return str(error) if isinstance(error, ValueError) else format_exception(error, kind)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises CheckpointError if it is missing, truncated or not one."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def load_model(folder: Path, config: PolicyConfig) -> VLA:
    """Build the network of `config` with the stored weights, in evaluation mode. Raises CheckpointError."""
    try:
        model = make_model(config.model)
    except PretrainedError as error:
        raise CheckpointError(f"{folder}: {error}") from error
    load_weights(model, read_tensors(folder / "model.safetensors"), folder / "model.safetensors")
    return model.eval()


def load_weights(model: VLA, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy `tensors` into the model. Raises CheckpointError naming missing, unexpected and misshapen ones."""
    check_tensors(model.state_dict(), tensors, path)
    model.load_state_dict(dict(tensors))


def begin_with(model: VLA, start: Path, *, fresh_head: bool = False) -> None:
    """Copy the weights of the checkpoint `start` into the model, which keeps its own action head if that is new.

    Raises CheckpointError if nothing usable is at `start`, or it is of another network.
    """
    path = find(start) / "model.safetensors"
    tensors = read_tensors(path)
    if fresh_head:
        own = {name: value for name, value in model.state_dict().items() if name.startswith(HEAD)}
        tensors = {name: value for name, value in tensors.items() if not name.startswith(HEAD)} | own
    load_weights(model, tensors, path)


def check_tensors(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Compare names and shapes of what `path` holds with what is expected. Raises CheckpointError."""
    problems = [f"missing {name}" for name in sorted(expected.keys() - tensors.keys())]
    problems += [f"unexpected {name}" for name in sorted(tensors.keys() - expected.keys())]
    for name in sorted(expected.keys() & tensors.keys()):
        if expected[name].shape != tensors[name].shape:
            problems.append(f"{name} is {tuple(tensors[name].shape)}, expected {tuple(expected[name].shape)}")
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        raise CheckpointError(f"{path} does not fit its configuration: {'; '.join(problems[:4])}{more}")


def fingerprint(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 of the weights and the configuration, which has that of the coder's files."""
    digest = hashlib.sha256()
    for name in ("model.safetensors", "config.json"):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]


def remove(folder: Path) -> None:
    """Delete a checkpoint: first its name, then its files, so that no half-deleted one can be found."""
    doomed = folder.with_name(f".removing-{folder.name}")
    folder.rename(doomed)
    shutil.rmtree(doomed)
