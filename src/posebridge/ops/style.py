"""The style of an image as statistics, and giving one image the style of another.

Three notions of style, from expensive to cheap: channel statistics of an encoder's features (AdaIN,
Huang & Belongie 2017), the amplitudes of the low spatial frequencies (FDA, Yang & Soatto 2020),
and channel statistics of the pixels. Images are (B, 3, H, W) floats in [0, 1]; everything here is
batched, without state and without a loop over samples.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def channel_statistics(
    x: Float[Tensor, "B C H W"], eps: float = 1e-5
) -> tuple[Float[Tensor, "B C 1 1"], Float[Tensor, "B C 1 1"]]:
    """Return mean and standard deviation of each channel of each sample, over its H x W cells.

    ``std = sqrt(var + eps)`` with the unbiased variance, as in the code released with AdaIN
    (Huang & Belongie, Arbitrary style transfer in real-time with adaptive instance
    normalization, ICCV 2017) and with the paper that this package follows.

    Raises:
        ValueError: fewer than two cells, whose variance is not defined.
    """
    if x.shape[-2] * x.shape[-1] < 2:
        raise ValueError(f"{tuple(x.shape)} has one cell a channel; the variance needs two or more")
    variance, mean = torch.var_mean(x, dim=(-2, -1), correction=1, keepdim=True)
    return mean, (variance + eps).sqrt()


def adain(
    content: Float[Tensor, "B C H W"],
    style_mean: Float[Tensor, "B C 1 1"],
    style_std: Float[Tensor, "B C 1 1"],
    eps: float = 1e-5,
) -> Float[Tensor, "B C H W"]:
    """Return the content with the channel statistics of a style (adaptive instance normalization).

    ``style_std (content - mean(content)) / std(content) + style_mean`` (Huang & Belongie 2017,
    equation 8), with the statistics of :func:`channel_statistics`.
    """
    mean, std = channel_statistics(content, eps)
    return (content - mean) * (style_std / std) + style_mean


def restatistics(
    images: Float[Tensor, "B 3 H W"],
    style_mean: Float[Tensor, "B 3 1 1"],
    style_std: Float[Tensor, "B 3 1 1"],
) -> Float[Tensor, "B 3 H W"]:
    """Return images with the style's mean and contrast per color channel, clamped to [0, 1].

    :func:`adain` on the pixels themselves, a color transfer after Reinhard et al. (2001) without
    the change of color space. Where pixels are clamped, the statistics are met only approximately.
    """
    return adain(images, style_mean, style_std).clamp(0, 1)


def low_frequency_amplitude(
    images: Float[Tensor, "B C H W"], share: float
) -> Float[Tensor, "B C R S"]:
    """Return amplitudes of the low spatial frequencies, the style of Fourier domain adaptation.

    FDA (Yang & Soatto, CVPR 2020) takes the block of frequencies within ``share`` of the side
    around zero. One half of a real image's spectrum determines the other, so that the block has
    R = 2 reach_y + 1 rows (frequencies -reach_y ... reach_y) and S = reach_x + 1 columns
    (0 ... reach_x), reach = floor(share * side): at share 0.05 and 128 px 13 x 7 a channel. A share
    above 0 reaches 1 at least: with the frequency 0 alone a small image would change its mean color
    and nothing else.

    The transform is divided by the number of pixels, so that the amplitude at zero (row reach_y,
    column 0) is the mean of the channel.

    Args:
        images: (B, C, H, W).
        share: beta of the paper, in [0, 0.5).

    Raises:
        ValueError: a share outside [0, 0.5).
    """
    if not 0 <= share < 0.5:
        raise ValueError(f"share is {share}, expected it in [0, 0.5)")
    height, width = images.shape[-2:]
    rows, columns = _reach(share, height), _reach(share, width)
    spectrum = torch.fft.rfft2(images, norm="forward")
    low = spectrum.roll(rows, dims=-2)[..., : 2 * rows + 1, : columns + 1]
    return low.abs()


def _reach(share: float, side: int) -> int:
    """Return the highest frequency within a fraction of the side; one pixel has frequency 0 alone."""
    return min(max(int(share * side), 1), (side - 1) // 2) if share > 0 else 0


def swap_low_frequency(
    images: Float[Tensor, "B C H W"], amplitude: Float[Tensor, "B C R S"]
) -> Float[Tensor, "B C H W"]:
    """Return images with the low-frequency amplitudes of others; their phase, the layout, stays.

    Args:
        images: (B, C, H, W) in [0, 1].
        amplitude: the result of :func:`low_frequency_amplitude`, of images of any size.

    Returns:
        (B, C, H, W), clamped to [0, 1].

    Raises:
        ValueError: the block of amplitudes is larger than the spectrum of the images.
    """
    height, width = images.shape[-2:]
    block_rows, block_columns = amplitude.shape[-2:]
    if block_rows > height or block_columns > width // 2 + 1:
        raise ValueError(
            f"amplitudes of {block_rows} x {block_columns} frequencies do not fit images of "
            f"{height} x {width} pixels"
        )
    rows = block_rows // 2
    spectrum = torch.fft.rfft2(images, norm="forward").roll(rows, dims=-2)
    low = spectrum[..., :block_rows, :block_columns]
    spectrum[..., :block_rows, :block_columns] = torch.polar(amplitude, low.angle())
    restyled = torch.fft.irfft2(spectrum.roll(-rows, dims=-2), s=(height, width), norm="forward")
    return restyled.clamp(0, 1)
