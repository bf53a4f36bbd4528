"""Tokens of actions: what goes in comes out, and whatever a network says is a chunk."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from vla.bin_tokens import ActionTokenizer, BinTokenizer
from vla.bpe import PairEncoding
from vla.contract import FloatArray
from vla.fast_tokens import FastTokenizer, cosine_matrix

KINDS: list[Any] = [BinTokenizer, FastTokenizer]


def chunks(count: int = 400, length: int = 8, seed: int = 0) -> FloatArray:
    """Smooth motions, a gripper that switches once, and a dimension that never moves."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, length)[:, None]
    motion = rng.normal(size=(count, 1, 5)) + rng.normal(size=(count, 1, 5)) * np.sin(time * rng.uniform(0, 3))
    grip = np.where(time > rng.uniform(-0.5, 1.5, (count, 1, 1)), 1.0, -1.0)
    return np.concatenate([motion, np.zeros((count, length, 1)), grip], -1).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind: Any) -> None:
    data = chunks()
    code: ActionTokenizer = kind.fit(data)
    ids = [code.encode(chunk) for chunk in data]
    assert all(0 <= i < code.size for row in ids for i in row)
    assert max(map(len, ids)) <= code.longest == 56
    back = np.stack([code.decode(row) for row in ids])
    assert back.shape == data.shape
    assert back.dtype == np.float32
    low, high = np.quantile(data, (0.01, 0.99), axis=(0, 1))
    inside = np.clip(data, low, high) if kind is BinTokenizer else data
    wide = np.maximum(high - low, 0.1)
    assert (np.abs(back - inside) / wide).max() < (0.5 / 256 + 1e-3 if kind is BinTokenizer else 0.1)
    assert np.sqrt((((back - inside) / wide) ** 2).mean()) < 0.016  # FAST: 1 / 10 / sqrt(12) of half the range


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_back_is_the_same_code(kind: Any) -> None:
    data = chunks()
    code = kind.fit(data)
    again = kind.from_json(json.loads(json.dumps(code.to_json())))
    assert again == code
    assert again.encode(data[3]) == code.encode(data[3])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ids", [[], [0], [5] * 200, [-1, 10**6, 3], list(range(256))])
def test_any_ids_are_a_chunk(kind: Any, ids: list[int]) -> None:
    chunk = kind.fit(chunks()).decode(ids)
    assert chunk.shape == (8, 7)
    assert np.isfinite(chunk).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_beyond_the_data_is_still_encoded(kind: Any) -> None:
    code = kind.fit(chunks())
    ids = code.encode(np.full((8, 7), 100.0, np.float32))
    assert all(0 <= i < code.size for i in ids)


@pytest.mark.parametrize("kind", KINDS)
def test_no_chunks_is_an_error(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"expected chunks \(N, C, A\)"):
        kind.fit(np.zeros((0, 8, 7), np.float32))
    with pytest.raises(ValueError, match=r"shape \(8, 7\)"):
        kind.fit(np.zeros((8, 7), np.float32))


def test_fast_is_short_for_smooth_motion() -> None:
    code = FastTokenizer.fit(chunks(2000))
    lengths = [len(code.encode(chunk)) for chunk in chunks(100, seed=1)]
    assert np.mean(lengths) < 56 / 2  # bins need 56
    assert len(code.encode(np.zeros((8, 7), np.float32))) < 10


def test_low_frequencies_come_first() -> None:
    code = FastTokenizer.fit(chunks())
    steady = np.repeat(chunks(1)[:, :1], 8, axis=1)
    rounded = code.coefficients(steady).reshape(8, 7)
    assert rounded[0].any()
    assert not rounded[1:].any()


def test_cosines_are_orthonormal() -> None:
    matrix = cosine_matrix(8)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(8), atol=1e-12)
    assert (np.diff(np.sign(matrix), axis=1) != 0).sum(1).tolist() == list(range(8))  # k changes of sign


def test_pairs_are_merged_by_frequency() -> None:
    rows = np.array([[1, 2, 1, 2, 0], [0, 1, 2, 0, 0]])
    code = PairEncoding.fit(rows, alphabet=3, size=10)
    assert code.merges[0] == (1, 2)
    for row in itertools.product(range(3), repeat=5):
        assert tuple(code.decode(code.encode(row))) == row


def test_training_and_encoding_merge_alike() -> None:
    rows = np.random.default_rng(0).integers(0, 3, (50, 20))
    code = PairEncoding.fit(rows, 3, 40)
    assert code.size == 40
    ids = [code.encode(row) for row in rows.tolist()]
    assert sum(map(len, ids)) < rows.size / 2
    found = {pair for row in ids for pair in itertools.pairwise(row)}
    assert not found & set(code.merges)  # nothing is left to merge
    assert [code.decode(row) for row in ids] == rows.tolist()


def test_overlapping_pairs_merge_from_the_left() -> None:
    code = PairEncoding.fit(np.array([[1, 1, 1, 0, 1, 1]]), alphabet=2, size=3)
    assert code.merges == ((1, 1),)
    assert code.encode([1, 1, 1, 0, 1, 1]) == [2, 1, 0, 2]


def test_alphabet_and_size_are_checked() -> None:
    with pytest.raises(ValueError, match="too few"):
        PairEncoding.fit(np.zeros((1, 2), np.int64), alphabet=5, size=4)
    with pytest.raises(ValueError, match="symbols must be"):
        PairEncoding.fit(np.array([[0, 7]]), alphabet=5, size=9)
