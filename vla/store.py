"""Episode store: a folder with one Parquet file an episode, durable when `save` returns. Knows nothing of pixels.

A file has one row a control step (the last row, after the last action, has null actions), zstd-compressed, and carries
request, scene description, result and two SHA-256 in its key-value metadata: `content_sha256` over everything that the
request determines, `sha256` over that plus wall time and notes. Both are checked on every read.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vla.contract import ACTION_DIM, STATE_DIM, FloatArray
from vla.episode import POSE_DIM, Episode, canonical_json, request_from_dict, result_from_dict

if TYPE_CHECKING:
    import pyarrow

FORMAT = 1
SUFFIX = ".parquet"
DATASET_FILE = "dataset.json"
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_PREFIX = b"vla."


class DamagedEpisodeError(ValueError):
    """A file that is not what was saved; the message names it and says what is wrong. `path` is the file."""

    def __init__(self, path: Path, problem: str) -> None:
        """Name the file and the problem."""
        super().__init__(f"damaged episode file {path}: {problem}")
        self.path = path
        self.problem = problem

    def __reduce__(self) -> tuple[type[DamagedEpisodeError], tuple[Path, str]]:
        """Survive the trip from a worker process."""
        return (DamagedEpisodeError, (self.path, self.problem))


class EpisodeStore:
    """The episodes of one folder, by key (`EpisodeRequest.key`).

    Any number of processes may save at once; a reader sees an episode whole or not at all.
    """

    def __init__(self, folder: str | Path, *, create: bool = True) -> None:
        """Open `folder`. Raises ValueError if it does not exist and `create` is False, or if it is a file."""
        self.folder = Path(folder)
        if create:
            self.folder.mkdir(parents=True, exist_ok=True)
        if not self.folder.is_dir():
            raise ValueError(f"no episode folder at {self.folder}; `vla collect --out {self.folder}` makes one")

    def path(self, key: str) -> Path:
        """The file of the episode `key`, there or not. Raises ValueError for a key that is no file name."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"episode key {key!r} is not made of letters, digits, '_', '.', '+', '-'")
        return self.folder / (key + SUFFIX)

    def keys(self) -> list[str]:
        """Keys of all episodes, sorted; half-written files of killed writers are not among them."""
        names = (entry.name for entry in os.scandir(self.folder))
        return sorted(n[: -len(SUFFIX)] for n in names if n.endswith(SUFFIX) and not n.startswith("."))

    def __len__(self) -> int:
        """How many episodes there are."""
        return len(self.keys())

    def __contains__(self, key: str) -> bool:
        """Whether an episode `key` is there."""
        return self.path(key).is_file()

    def __iter__(self) -> Iterator[Episode]:
        """All episodes in order of their keys. Raises DamagedEpisodeError at the first damaged one."""
        return self.episodes()

    def save(self, episode: Episode) -> Path:
        """Write `episode`, replacing an older one of the same key at once; durable when this returns."""
        path = self.path(episode.key)
        write_durably(path, _encode(episode))
        return path

    def load(self, key: str) -> Episode:
        """Read the episode `key`.

        Raises:
            KeyError: No such episode.
            DamagedEpisodeError: The file is truncated, altered or something else.
        """
        return read_episode(self.path(key))

    def load_if_sound(self, key: str) -> Episode | None:
        """Read the episode `key`; None if its file is damaged. Raises KeyError if there is none."""
        try:
            return self.load(key)
        except DamagedEpisodeError:
            return None

    def damage(self, key: str) -> DamagedEpisodeError | None:
        """What is wrong with the file of `key`; None if it is sound. Raises KeyError if there is none."""
        try:
            self.load(key)
        except DamagedEpisodeError as error:
            return error
        return None

    def episodes(self, *, skip_damaged: bool = False) -> Iterator[Episode]:
        """All episodes in order of their keys; damaged ones are left out on request, else raised."""
        for key in self.keys():
            episode = self.load_if_sound(key) if skip_damaged else self.load(key)
            if episode is not None:
                yield episode

    def verify(self) -> Iterator[tuple[str, DamagedEpisodeError | None]]:
        """Read every file: (key, None) for a sound one, (key, what is wrong) for a damaged one."""
        for key in self.keys():
            yield key, self.damage(key)

    def info(self) -> dict[str, Any]:
        """What `dataset.json` says of the whole dataset; empty when there is none. Raises ValueError if unreadable."""
        path = self.folder / DATASET_FILE
        if not path.exists():
            return {}
        try:
            info: dict[str, Any] = json.loads(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from error
        return info

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Write `dataset.json` durably; `format` is added."""
        text = json.dumps({"format": FORMAT, **info}, indent=2, allow_nan=False)
        write_durably(self.folder / DATASET_FILE, text.encode() + b"\n")

    def clean(self) -> list[Path]:
        """Remove half-written files whose writer is dead; returns them. Safe while others save."""
        return [path for path in self.folder.glob(".*.tmp") if _remove_orphan(path)]


def write_durably(path: Path, data: bytes) -> None:
    """Replace `path` by `data` at once; on disk when this returns, and never seen half-written.

    The temporary file next to it is locked while its writer lives, which is how `EpisodeStore.clean` tells a killed
    writer's file from one in work.
    """
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    try:
        while not _write_locked(temporary, data, path):
            continue
    finally:
        temporary.unlink(missing_ok=True)  # there only if something failed, for example a full disk
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_locked(temporary: Path, data: bytes, path: Path) -> bool:
    """Write `temporary` under a lock and rename it to `path`; False if it was cleaned between open and lock."""
    with open(temporary, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink == 0:
            return False
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, path)
    return True


def _remove_orphan(path: Path) -> bool:
    """Remove `path` unless a living writer holds its lock."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):  # in work, or renamed in this moment
        return False
    return True


def _widths(rows: int, entries: int = ACTION_DIM) -> dict[str, int]:
    """Floats a step of each column, for `rows` pose rows and actions of so many `entries`."""
    return {"poses": rows * POSE_DIM, "agent_pos": STATE_DIM, "action": entries, "executed": entries}


def _checksum(content_sha256: str, extra: Mapping[str, Any]) -> str:
    return hashlib.sha256(content_sha256.encode() + canonical_json(extra)).hexdigest()


@functools.lru_cache(maxsize=64)
def _schema(rows: int, entries: int) -> pyarrow.Schema:
    import pyarrow as pa

    fields = [pa.field(name, pa.list_(pa.float32(), width)) for name, width in _widths(rows, entries).items()]
    return pa.schema(fields)


def _encode(episode: Episode) -> bytes:
    """The Parquet file of `episode`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(episode.poses.shape[1], episode.action.shape[1])
    last = np.arange(len(episode) + 1) == len(episode)  # the row after the last action
    columns = []
    for column in schema:
        array = getattr(episode, column.name).reshape(-1, column.type.list_size)
        mask = None
        if len(array) == len(episode):
            array, mask = np.concatenate([array, np.zeros_like(array, shape=(1, array.shape[1]))]), pa.array(last)
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), type=column.type, mask=mask))
    content = episode.content_hash()
    extra = {"format": FORMAT, "wall_s": episode.result.wall_s, "meta": episode.meta}
    metadata = {"header": canonical_json(episode.header()).decode(), "extra": canonical_json(extra).decode()}
    metadata |= {"content_sha256": content, "sha256": _checksum(content, extra)}
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=False, write_statistics=False) as writer:
        writer.write_table(pa.table(columns, schema=schema))
        writer.add_key_value_metadata({(_PREFIX.decode() + k): v for k, v in metadata.items()})
    return sink.getvalue()


def read_episode(path: str | Path) -> Episode:
    """Read one episode file. Raises KeyError if it is not there, DamagedEpisodeError if it is not what was saved."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise KeyError(f"no episode {path.name.removesuffix(SUFFIX)!r} in {path.parent}") from None
    episode, stored = _decode(path, data)
    if episode.content_hash() != stored["content_sha256"]:
        raise DamagedEpisodeError(path, "the content does not match its SHA-256")
    if path.name != episode.key + SUFFIX:
        raise DamagedEpisodeError(path, f"it holds the episode {episode.key}")
    return episode


def _decode(path: Path, data: bytes) -> tuple[Episode, dict[str, str]]:
    """Episode and metadata in `data`, content not yet verified. Any error while parsing means damage."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not data:
        raise DamagedEpisodeError(path, "the file is empty")
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        pairs = file.metadata.metadata or {}
        stored = {k[len(_PREFIX) :].decode(): v.decode() for k, v in pairs.items() if k.startswith(_PREFIX)}
        header, extra = json.loads(stored["header"]), json.loads(stored["extra"])
        if _checksum(stored["content_sha256"], extra) != stored["sha256"]:
            raise ValueError("the notes do not match their SHA-256")
        if extra["format"] != FORMAT:
            raise ValueError(f"it has format {extra['format']}, this version reads {FORMAT}")
        request = request_from_dict(header["request"])
        told = {**header["result"], "request": header["request"], "wall_s": extra["wall_s"]}
        result = result_from_dict(told)
        arrays = _arrays(file.read(use_threads=False))
        episode = Episode(request=request, spec=header["spec"], result=result, meta=extra["meta"], **arrays)
    except KeyError as error:
        raise DamagedEpisodeError(path, f"it lacks {error}; is it an episode file?") from error
    except (pa.ArrowException, OSError, ValueError, TypeError, MemoryError) as error:
        raise DamagedEpisodeError(path, " ".join(str(error).split())) from error
    return episode, stored


def _arrays(table: pyarrow.Table) -> dict[str, FloatArray]:
    """Columns of an episode file as arrays; null rows (after the last action) fall away. Raises ValueError."""
    import pyarrow as pa

    arrays: dict[str, FloatArray] = {}
    for name in _widths(0):
        column = table.column(name).combine_chunks()
        if not pa.types.is_fixed_size_list(column.type) or column.type.value_type != pa.float32():
            raise ValueError(f"column {name} has type {column.type}, expected fixed-size lists of float")
        width = column.type.list_size
        flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        shape = (-1, width // POSE_DIM, POSE_DIM) if name == "poses" else (-1, width)
        arrays[name] = flat.reshape(shape)
    return arrays
