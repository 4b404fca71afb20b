"""Style transfer: banks, reproducible draws, and the transferred styles."""

from __future__ import annotations

import copy

import pytest
import torch

from posebridge.alignment.style_bank import KNOWN, ColorStyle, FrequencyStyle, StyleBank
from posebridge.errors import InputError
from posebridge.models.style import StyleNetwork
from posebridge.ops.style import channel_statistics

ACTIVE = [name for name in KNOWN if name != "none"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, 32, 32, generator=seeded(seed))


def level(name: str, styles: int = 5) -> StyleBank:
    torch.manual_seed(0)
    network = StyleNetwork("mobilenetv1_100", (0,), "none", width=0.25) if name == "adain" else None
    built = StyleBank(name, network, share=0.1)
    built.remember("target", images(styles, seed=1))
    return built


@pytest.mark.parametrize("name", ACTIVE)
def test_draws_depend_on_the_generator_alone(name: str) -> None:
    built, x = level(name), images()
    first = built(x, "target", 0.5, seeded(3))
    assert torch.equal(first, built(x, "target", 0.5, seeded(3)))
    assert not torch.equal(first, built(x, "target", 0.5, seeded(4)))


@pytest.mark.parametrize("name", ACTIVE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_fraction_of_images_is_restyled(name: str, dtype: torch.dtype) -> None:
    x = images(8).to(dtype).requires_grad_()
    out = level(name)(x, "target", 0.5, seeded())
    changed = (out != x).flatten(1).any(1)
    assert changed.sum() == 4
    assert out.shape == x.shape and out.dtype == dtype and not out.requires_grad
    assert out.min() >= 0 and out.max() <= 1


def test_fraction_is_exact_on_average() -> None:
    built, x, generator = level("color"), images(3), seeded()
    counts = [
        int((built(x, "target", 0.5, generator) != x).flatten(1).any(1).sum()) for _ in range(200)
    ]
    assert set(counts) == {1, 2}
    assert sum(counts) / len(counts) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("name", KNOWN)
def test_probability_zero_returns_the_images(name: str) -> None:
    x = images()
    assert level(name)(x, "target", 0.0, seeded()) is x


def test_style_none_returns_the_images() -> None:
    x = images()
    assert level("none")(x, "source", 1.0, seeded()) is x


def test_color_statistics_are_transferred() -> None:
    style = 0.4 + 0.2 * images(1, seed=2)
    color = ColorStyle()
    out = color.apply_to(images(), color.describe(style).expand(4, -1, -1), torch.ones(4))
    mean, std = channel_statistics(style)
    own_mean, own_std = channel_statistics(out)
    torch.testing.assert_close(own_mean, mean.expand_as(own_mean), atol=1e-5, rtol=0)
    torch.testing.assert_close(own_std, std.expand_as(own_std), atol=1e-3, rtol=0)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_amplitudes_are_transferred(eta: float) -> None:
    """Two images that differ only in brightness: the amplitude moves by the fraction eta."""
    x = 0.2 + 0.4 * images(1)
    frequencies = FrequencyStyle(0.1)
    own, other = frequencies.describe(x), frequencies.describe(x * 1.5)
    out = frequencies.apply_to(x, other, torch.tensor([eta]))
    torch.testing.assert_close(
        frequencies.describe(out), own + eta * (other - own), atol=1e-5, rtol=0
    )


def test_each_domain_has_its_own_bank() -> None:
    built = StyleBank("color")
    built.remember("source", images(2))
    built.remember("source", images(3))
    assert built.source is not None and built.source.shape == (5, 2, 3)
    with pytest.raises(ValueError, match="no styles of the target"):
        built(images(), "target", 1.0, seeded())
    with pytest.raises(ValueError, match="unknown domain 'elsewhere'"):
        built.remember("elsewhere", images())


def test_bank_is_not_in_a_checkpoint() -> None:
    assert level("fourier").state_dict() == {}
    moved = level("fourier").to(torch.float64)
    assert moved.target is not None and moved.target.dtype == torch.float64


def test_copy_is_independent() -> None:
    built = level("adain")
    other = copy.deepcopy(built)
    other.remember("target", images(1))
    assert built.target is not None and len(built.target) == 5
    assert other.style is not built.style


def test_invalid_style_is_reported() -> None:
    with pytest.raises(InputError, match="choose from adain, fourier, color, none"):
        StyleBank("cyclegan")
    with pytest.raises(InputError, match="needs a trained style network"):
        StyleBank("adain")


def test_default_fraction_changes_more_than_the_mean_of_small_images() -> None:
    """At 96 px, the size in the demonstration, 0.01 of the side is less than one frequency."""
    generator = torch.Generator().manual_seed(0)
    images = 0.4 + 0.2 * torch.rand(4, 3, 96, 96, generator=generator)
    shade = torch.linspace(0.2, 0.8, 96).expand(4, 3, 96, 96)  # dark to bright, across
    fourier = StyleBank("fourier")
    fourier.remember("target", shade)
    restyled = fourier(images, "target", 1.0, generator)
    detail = (restyled - restyled.mean((-2, -1), keepdim=True)) - (
        images - images.mean((-2, -1), keepdim=True)
    )
    assert detail.abs().amax() > 0.01
