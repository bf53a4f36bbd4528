"""Published policies: every folder `policies/published/NAME` with a checkpoint in it is a policy called NAME.

It holds `config.json` and `model.safetensors` (`vla.checkpoint`) and a model card, `README.md`. Names are found without
reading weights, so that listing them imports no torch.
"""

from __future__ import annotations

from pathlib import Path

from vla.registry import nearest

PUBLISHED = Path(__file__).parent / "published"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def published_names(folder: Path = PUBLISHED) -> list[str]:
    """Names of the policies that are published in a folder, sorted; none if there is no such folder."""
    return sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))


def published(name: str, folder: Path = PUBLISHED) -> Path:
    """The checkpoint folder of a published policy.

    Raises:
        UnknownNameError: None is called so (a ValueError; the nearest name is given).
        ValueError: Its weights are missing.
    """
    if name not in published_names(folder):
        raise nearest("published policy", name, published_names(folder))
    path = folder / name
    if not (path / WEIGHTS).is_file():
        raise ValueError(f"the published policy {name!r} has no weights: {path / WEIGHTS} is missing")
    return path


def located(name: str, folder: Path = PUBLISHED) -> str:
    """`name` with the published policy in it replaced by the path of its checkpoint: `base`, `deaf:base`.

    What names no published policy comes back as it is. Raises ValueError for one whose weights are missing.
    """
    head, colon, last = name.rpartition(":")
    return f"{head}{colon}{published(last, folder)}" if last in published_names(folder) else name


def checkpoint_path(name: str | Path, folder: Path = PUBLISHED) -> Path:
    """The path of a checkpoint that is given as one, or by the name of a published policy.

    Raises ValueError for a word that is neither (the nearest name is given), and for missing weights.
    """
    text = str(name)
    if text in published_names(folder):
        return published(text, folder)
    if Path(name).exists() or "/" in text or "." in text:
        return Path(name)
    raise ValueError(f"{nearest('published policy', text, published_names(folder))} No checkpoint is at that path.")
