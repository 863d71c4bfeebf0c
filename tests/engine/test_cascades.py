"""The cascade's loops against scipy: whatever the number of sections and samples, from rest and going on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as sp

from models_registry.engine import kernels

from .cast import BACKENDS


def drawn(count, frames):
    """Stable sections, two signals and what went before them."""
    draw = np.random.default_rng(100 * count + frames)
    radius, angle = draw.uniform(0.3, 0.99, count), draw.uniform(0, np.pi, count)
    poles = np.stack([-2 * radius * np.cos(angle), radius**2], axis=1)
    sections = np.concatenate([draw.normal(size=(count, 3)), poles], axis=1)
    return sections, draw.normal(size=(2, frames)), draw.normal(size=(2, 2, count + 1))


# registers hold eight sections, and the gradient comes back in stretches of 128 steps
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [1, 6, 8, 9, 17])
@pytest.mark.parametrize("frames", [1, 2, 7, 8, 121, 122, 400])
def test_a_cascade_is_sosfilt_going_on_from_its_past(backend, count, frames):
    sections, signal, past = drawn(count, frames)
    state = [
        [sp.lfiltic([b0, b1, b2], [1, a1, a2], row[::-1, s + 1], row[::-1, s]) for row in past]
        for s, (b0, b1, b2, a1, a2) in enumerate(sections)
    ]
    sos = np.insert(sections, 3, 1.0, axis=1)
    expected, _ = sp.sosfilt(sos, signal, axis=1, zi=np.array(state))
    found, after = signal.copy(), past.copy()
    kernels.BACKENDS[backend].cascade(found, sections, after)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=1e-10 * scale)
    heard = np.concatenate([past[:, :, 0], signal], axis=1)
    answered = np.concatenate([past[:, :, -1], expected], axis=1)
    np.testing.assert_allclose(after[:, :, 0], heard[:, -2:])
    np.testing.assert_allclose(after[:, :, -1], answered[:, -2:], atol=1e-10 * scale)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("count", "frames"), [(1, 1), (3, 130), (8, 9), (9, 300)])
def test_the_adjoint_is_the_transposed_cascade_and_the_slopes_are_its_differences(
    backend, count, frames
):
    loops = kernels.BACKENDS[backend]
    sections, signal, past = drawn(count, frames)
    grad = drawn(count, frames + 1)[1][:, 1:]

    def weighed(sections, signal, past):
        answer = signal.copy()
        loops.cascade(answer, sections, past.copy())
        return np.vdot(grad, answer)

    by_signal, by_sections = loops.cascade_adjoint(grad, signal, sections, past)
    rest = np.zeros_like(past)
    # <g, H x> = <Hᵀ g, x>
    assert np.vdot(by_signal, signal) == pytest.approx(weighed(sections, signal, rest), rel=1e-9)
    way = np.random.default_rng(0).normal(size=sections.shape)
    ahead, behind = (weighed(sections + step * way, signal, past) for step in (1e-6, -1e-6))
    assert np.vdot(by_sections, way) == pytest.approx((ahead - behind) / 2e-6, rel=1e-5)


def test_shapes_that_do_not_fit_are_refused_before_the_loop():
    sections, signal, past = drawn(3, 10)
    for wrong in (
        (signal[:1], sections, past),
        (signal, sections[:2], past),
        (signal[:, :0], sections, past),
    ):
        with pytest.raises(ValueError, match="does not fit"):
            kernels.checked_cascade(*wrong)
