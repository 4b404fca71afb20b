"""Styles of images, and a bank of styles: images of one domain take the style of the other.

The styles of a domain are collected once, in a bank of statistics; a step then draws rows of the
bank. No style image is encoded during an adaptation.

A kind of style is a module with two methods. ``describe`` returns the rows of the bank for images.
``apply_to`` moves images by a fraction eta towards such rows. To add a kind of style, write it here,
and add it to ``KNOWN`` and :func:`_style`.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from posebridge.errors import InputError
from posebridge.models.style import StyleNetwork
from posebridge.ops.style import (
    channel_statistics,
    low_frequency_amplitude,
    restatistics,
    swap_low_frequency,
)

KNOWN = ("adain", "fourier", "color", "none")
DOMAINS = ("source", "target")


class FeatureStyle(nn.Module):
    """Channel statistics of a style network's features (AdaIN). Styles are (N, 2, C)."""

    def __init__(self, network: StyleNetwork) -> None:
        super().__init__()
        self.network = network

    def describe(self, images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 2 C"]:
        return torch.stack(self.network.statistics(images), dim=1)

    def apply_to(
        self,
        images: Float[Tensor, "N 3 H W"],
        styles: Float[Tensor, "N 2 C"],
        eta: Float[Tensor, " N"],
    ) -> Float[Tensor, "N 3 H W"]:
        return self.network.restyle(images, styles[:, 0], styles[:, 1], eta)


class FrequencyStyle(nn.Module):
    """Amplitudes of the low spatial frequencies (FDA). Styles are (N, 3, R, S)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def describe(self, images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 R S"]:
        return low_frequency_amplitude(images, self.share)

    def apply_to(
        self,
        images: Float[Tensor, "N 3 H W"],
        styles: Float[Tensor, "N 3 R S"],
        eta: Float[Tensor, " N"],
    ) -> Float[Tensor, "N 3 H W"]:
        mixed = torch.lerp(self.describe(images), styles, eta[:, None, None, None])
        return swap_low_frequency(images, mixed)


class ColorStyle(nn.Module):
    """Mean and standard deviation of each color channel. Styles are (N, 2, 3)."""

    def describe(self, images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 2 3"]:
        return torch.stack(channel_statistics(images), dim=1).flatten(2)

    def apply_to(
        self,
        images: Float[Tensor, "N 3 H W"],
        styles: Float[Tensor, "N 2 3"],
        eta: Float[Tensor, " N"],
    ) -> Float[Tensor, "N 3 H W"]:
        mean, std = torch.lerp(self.describe(images), styles, eta[:, None, None]).unbind(1)
        return restatistics(images, mean[:, :, None, None], std[:, :, None, None])


class StyleBank(nn.Module):
    """A bank of styles, which gives some images of a batch the style of random images of a domain.

    Args:
        name: ``"adain"`` (channel statistics of features, needs ``network``), ``"fourier"`` (low
            spatial frequencies), ``"color"`` (mean and contrast of the color channels) or
            ``"none"``.
        network: a trained style network, only for ``"adain"``.
        share: fraction of the side of the spectrum that ``"fourier"`` changes, at least one
            frequency, see :func:`~posebridge.ops.style.low_frequency_amplitude`.

    The bank is a pair of buffers that move with the module and are not part of a checkpoint.
    :meth:`remember` fills them again at the start of a run.

    Raises:
        InputError: an unknown name; ``"adain"`` without a network.
    """

    source: Tensor | None
    target: Tensor | None

    def __init__(self, name: str, network: StyleNetwork | None = None, share: float = 0.01) -> None:
        super().__init__()
        self.name = name
        self.style = _style(name, network, share)
        self.register_buffer("source", None, persistent=False)
        self.register_buffer("target", None, persistent=False)

    @torch.no_grad()
    def remember(self, domain: str, images: Float[Tensor, "B 3 H W"]) -> None:
        """Append the styles of images in [0, 1] to the bank of ``"source"`` or ``"target"``."""
        if self.style is None:
            return
        bank = self._bank(domain)
        rows = self.style.describe(images.float())
        setattr(self, domain, rows if bank is None else torch.cat([bank, rows]))

    @torch.no_grad()
    def forward(
        self,
        images: Float[Tensor, "B 3 H W"],
        to: str,
        probability: float,
        generator: torch.Generator,
    ) -> Float[Tensor, "B 3 H W"]:
        """Return images, of which about ``probability`` B have a style of domain ``to``.

        The number of restyled images is drawn as floor or ceiling of ``probability`` B, with
        ``probability`` B as its mean, rather than image by image: every step then takes the same time.
        Each restyled image moves by eta ~ U(0, 1) towards the style of a row of the bank. The other
        images do not change.

        Args:
            images: (B, 3, H, W) in [0, 1], on any device.
            to: domain of the styles.
            probability: in [0, 1]. At 0 the images themselves are returned.
            generator: on the CPU; every draw comes from it.

        Returns:
            (B, 3, H, W) in [0, 1], of the images' dtype, without gradient.

        Raises:
            ValueError: the bank of the domain is empty, or the domain is unknown.
        """
        if self.style is None or probability <= 0:
            return images
        bank = self._bank(to)
        if bank is None:
            raise ValueError(f"no styles of the {to} are in the bank; call remember('{to}', ...)")
        batch = images.shape[0]
        extra = torch.rand((), generator=generator).item()
        count = min(math.floor(probability * batch + extra), batch)
        if count == 0:
            return images
        chosen = torch.randperm(batch, generator=generator)[:count].to(images.device)
        rows = torch.randint(len(bank), (count,), generator=generator).to(bank.device)
        eta = torch.rand(count, generator=generator).to(images.device)
        restyled = self.style.apply_to(images[chosen].float(), bank[rows], eta)
        return images.index_copy(0, chosen, restyled.to(images.dtype))

    def _bank(self, domain: str) -> Tensor | None:
        if domain not in DOMAINS:
            raise ValueError(f"unknown domain '{domain}'; choose from {', '.join(DOMAINS)}")
        return getattr(self, domain)


def _style(
    name: str, network: StyleNetwork | None, share: float
) -> FeatureStyle | FrequencyStyle | ColorStyle | None:
    """Return the kind of style with a name; None for ``"none"``."""
    match name:
        case "adain":
            if network is None:
                raise InputError(
                    "image level 'adain' needs a trained style network; train a style network, or "
                    "choose 'fourier' or 'statistics', which work without it."
                )
            return FeatureStyle(network)
        case "fourier":
            return FrequencyStyle(share)
        case "color":
            return ColorStyle()
        case "none":
            return None
    raise InputError(f"unknown image level '{name}'; choose from {', '.join(KNOWN)}.")
