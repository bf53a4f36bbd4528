"""Paired arms: the exact tests keep their error rate, and probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom, permutation_test

from vla.paired import mcnemar, paired_drop, probability_more, sign_flip


def test_mcnemar_known_value() -> None:
    # Agresti, "Categorical Data Analysis", 2nd ed., table 10.1: 150 against 86; exact p of R's exact2x2 (Fay 2010).
    assert mcnemar(150, 86) == pytest.approx(3.716e-05, rel=1e-3)
    assert mcnemar(86, 150) == mcnemar(150, 86)
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert paired_drop([(True, False)] * 5).p_value == pytest.approx(2 / 2**5)


@pytest.mark.parametrize("differing", [0.1, 0.5])
def test_mcnemar_keeps_its_error_rate(differing: float) -> None:
    n = 60
    discordant = np.arange(n + 1)
    p = np.array([[mcnemar(w, d - w) for w in range(d + 1)] + [1.0] * (n - d) for d in range(n + 1)])
    chance = binom.pmf(discordant[None, :], discordant[:, None], 0.5)
    rate = float(binom.pmf(discordant, n, differing) @ ((p <= 0.05) * chance).sum(axis=1))
    assert 0.0 < rate <= 0.05


def test_sign_flip_is_mcnemar_for_scenes_of_one_episode() -> None:
    for wins, losses, ties in ((0, 0, 3), (8, 2, 4), (1, 17, 0)):
        nets = [1] * wins + [-1] * losses + [0] * ties
        assert sign_flip(nets) == pytest.approx(mcnemar(wins, losses))
    assert sign_flip([]) == 1.0


def test_sign_flip_is_the_permutation_test_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        nets = rng.integers(-3, 5, 11)
        exact = permutation_test(
            (nets,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True, n_resamples=np.inf
        )
        assert sign_flip(nets.tolist()) == pytest.approx(exact.pvalue)


def test_scenes_are_the_unit_of_a_test() -> None:
    """Episodes of one scene go the same way: taking them one by one rejects far too often, scene by scene not."""
    rng = np.random.default_rng(1)
    scenes = rng.integers(-1, 2, size=(1000, 20))  # who wins the scene, with all of its six episodes
    by_scene = np.mean([sign_flip((6 * nets).tolist()) <= 0.05 for nets in scenes])
    one_by_one = np.mean([mcnemar(6 * int((nets > 0).sum()), 6 * int((nets < 0).sum())) <= 0.05 for nets in scenes])
    assert by_scene <= 0.06
    assert one_by_one > 0.3


def test_probability_that_one_is_better_is_calibrated() -> None:
    """Over policies drawn from the stated prior, of what is said to be 80 to 90 % probable, 85 % are so."""
    rng = np.random.default_rng(2)
    kinds = rng.dirichlet([0.5] * 4, 20000)
    counts = rng.multinomial(40, kinds)
    said = beta.sf(0.5, counts[:, 0] + 0.5, counts[:, 1] + 0.5)
    assert [probability_more(*pair) for pair in counts[:50, :2].tolist()] == pytest.approx(said[:50])
    first_is_better = kinds[:, 0] > kinds[:, 1]
    for low in (0.1, 0.5, 0.8):
        chosen = (said > low) & (said < low + 0.1)
        assert float(first_is_better[chosen].mean()) == pytest.approx(low + 0.05, abs=0.04)
    assert probability_more(0, 0) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="not negative"):
        probability_more(-1, 0)


def test_sign_flip_is_exact_far_out_in_the_tail() -> None:
    """Only two of the 2 ** 990 flips are as extreme; rounding errors of 1e-16 would drown that."""
    assert sign_flip([9] * 900 + [8] * 90) == pytest.approx(2 * 0.5**990, rel=1e-9)
