"""Episode store: what was saved is what is read, or an error that names the file."""

from __future__ import annotations

import dataclasses
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vla.toy import record, requests
from vla.contract import EpisodeRequest, Perturbation
from vla.episode import Episode, request_from_key, result_from_dict, result_to_dict
from vla.store import DamagedEpisodeError, EpisodeStore, read_episode


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    store = EpisodeStore(tmp_path / "data")
    for request in requests(3):
        store.save(record(request))
    return store


def same(a: Episode, b: Episode) -> bool:
    return a.content_hash() == b.content_hash() and a.result == b.result and a.meta == b.meta and a.spec == b.spec


def test_round_trip(store: EpisodeStore) -> None:
    assert store.keys() == [request.key for request in requests(3)]
    for loaded, request in zip(store, requests(3), strict=True):
        live = record(request)
        assert same(
            dataclasses.replace(loaded, result=dataclasses.replace(loaded.result, wall_s=0.0)),
            dataclasses.replace(live, result=dataclasses.replace(live.result, wall_s=0.0)),
        )
        for name in ("poses", "agent_pos", "action", "executed"):
            array = getattr(loaded, name)
            assert array.dtype == np.float32
            assert array.tobytes() == getattr(live, name).tobytes()
        assert len(loaded) == loaded.result.steps == len(loaded.poses) - 1
        assert loaded.instruction == live.instruction


@pytest.mark.parametrize("task", ["Break", "Fail"])
def test_errors_and_failures_round_trip(tmp_path: Path, task: str) -> None:
    store = EpisodeStore(tmp_path)
    episode = record(EpisodeRequest(task, 3, 5, "eval", (Perturbation("light", 2), Perturbation("table_texture", 1))))
    store.save(episode)
    loaded = store.load(episode.key)
    assert same(loaded, episode)
    assert loaded.request == episode.request


def test_an_episode_without_steps_round_trips(tmp_path: Path) -> None:
    episode = record(requests(1)[0])
    short = dataclasses.replace(
        episode,
        poses=episode.poses[:1],
        agent_pos=episode.agent_pos[:1],
        action=episode.action[:0],
        executed=episode.executed[:0],
    )
    store = EpisodeStore(tmp_path)
    store.save(short)
    assert same(store.load(short.key), short)


def test_saving_again_replaces(store: EpisodeStore) -> None:
    episode = dataclasses.replace(record(requests(1)[0]), meta={"policy": "second"})
    store.save(episode)
    assert len(store) == 3
    assert store.load(episode.key).meta == {"policy": "second"}


def test_wrong_arrays_are_refused() -> None:
    episode = record(requests(1)[0])
    with pytest.raises(ValueError, match=r"agent_pos is float32 \(\d+, 7\), expected float32 \(\d+, 8\)"):
        dataclasses.replace(episode, agent_pos=episode.agent_pos[:, :7])
    with pytest.raises(ValueError, match="poses is float64"):
        dataclasses.replace(episode, poses=episode.poses.astype(np.float64))


def test_missing_folder_and_episode(tmp_path: Path, store: EpisodeStore) -> None:
    with pytest.raises(ValueError, match="no episode folder at"):
        EpisodeStore(tmp_path / "nowhere", create=False)
    with pytest.raises(KeyError, match=r"train-0-Toy-none\.0-00099"):
        store.load("train-0-Toy-none.0-00099")
    with pytest.raises(ValueError, match="is not made of letters"):
        store.load("../data/x")


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "bit flip":
        data[len(data) // 4] ^= 16
    elif how == "empty":
        data = bytearray()
    elif how == "foreign":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"x": [1, 2]}), path)
        return
    else:
        data = bytearray(b"not a parquet file" * 100)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "bit flip", "empty", "foreign", "text"])
def test_damage_is_named_and_skipped_on_request(store: EpisodeStore, how: str) -> None:
    key = store.keys()[1]
    damage(store.path(key), how)
    with pytest.raises(DamagedEpisodeError, match=key) as caught:
        list(store)
    assert caught.value.path == store.path(key)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert [e.key for e in store.episodes(skip_damaged=True)] == [store.keys()[0], store.keys()[2]]
    assert [k for k, error in store.verify() if error is not None] == [key]


def test_a_file_under_another_name_is_damage(store: EpisodeStore) -> None:
    first, second, _ = store.keys()
    shutil.copy(store.path(first), store.path(second))
    with pytest.raises(DamagedEpisodeError, match=f"it holds the episode {first}"):
        store.load(second)


@pytest.fixture(scope="module")
def flipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Episode, Path, bytes]:
    episode = record(requests(1)[0])
    path = EpisodeStore(tmp_path_factory.mktemp("flip")).save(episode)
    return episode, path, path.read_bytes()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_flipped_bit_is_silently_read(flipped: tuple[Episode, Path, bytes], data: st.DataObject) -> None:
    """Wherever a bit flips, the file is refused or says exactly what it said before."""
    episode, path, whole = flipped
    raw = bytearray(whole)
    place = data.draw(st.floats(0, 1, exclude_max=True))  # not an index: the file's length varies with the wall time
    raw[int(place * len(raw))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(raw)
    try:
        loaded = read_episode(path)
    except DamagedEpisodeError:
        return
    assert same(loaded, episode)


WRITER = """
import sys
from tests.vla.toy import record, requests
from vla.store import EpisodeStore
store = EpisodeStore(sys.argv[1])
episodes = [record(r) for r in requests(20)]
store.save(episodes[0])
print("ready", flush=True)
while True:
    for episode in episodes:
        store.save(episode)
"""


def test_a_killed_writer_leaves_only_whole_episodes(tmp_path: Path) -> None:
    for wait in (0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(wait)
            writer.send_signal(signal.SIGKILL)
    store = EpisodeStore(tmp_path)
    assert len(store) > 1
    assert all(error is None for _, error in store.verify())


def test_clean_removes_files_of_dead_writers_only(store: EpisodeStore) -> None:
    import fcntl

    dead, alive = store.folder / ".a.parquet.1.tmp", store.folder / ".b.parquet.2.tmp"
    dead.write_bytes(b"half")
    with open(alive, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert len(store) == 3
        assert store.clean() == [dead]
        assert alive.exists()
    assert store.clean() == [alive]
    assert not [name for name in os.listdir(store.folder) if name.endswith(".tmp")]


def test_dataset_info_round_trips(store: EpisodeStore) -> None:
    assert store.info() == {}
    store.write_info({"robot": "panda"})
    assert store.info() == {"format": 1, "robot": "panda"}
    (store.folder / "dataset.json").write_text("{")
    with pytest.raises(ValueError, match=r"dataset\.json is not JSON"):
        store.info()


@given(
    st.from_regex(r"[A-Z][A-Za-z]{0,8}", fullmatch=True),
    st.integers(0, 10**6),
    st.integers(0, 10**9),
    st.sampled_from(["train", "eval"]),
    st.lists(st.tuples(st.from_regex(r"[a-z_.]{1,9}", fullmatch=True), st.integers(0, 3)), max_size=3),
)
def test_keys_name_requests(task: str, index: int, seed: int, split: str, axes: list[tuple[str, int]]) -> None:
    perturbations = tuple(Perturbation(axis, level) for axis, level in axes)
    request = EpisodeRequest(task, index, seed, "eval" if split == "eval" else "train", perturbations)
    if request.key != request.twin.key:
        assert request_from_key(request.key) == request
    assert request_from_key(request.twin.key) == request.twin
    with pytest.raises(ValueError, match="no episode key"):
        request_from_key(request.key + "x")


def test_results_are_json_ready() -> None:
    result = record(requests(1)[0]).result
    assert result_from_dict(result_to_dict(result)) == result


def test_loading_is_fast(tmp_path: Path) -> None:
    """Training reads thousands of episodes at its start: about 0.5 ms each on one core; 5 allow for a busy machine."""
    store = EpisodeStore(tmp_path)
    for request in requests(30):
        store.save(record(request))
    list(store)
    start = time.process_time()
    list(store)
    assert (time.process_time() - start) / 30 < 0.005
