"""The style network: a fixed encoder and a decoder that turns its features back into an image.

Between encoder and decoder the features take the channel statistics of another image (AdaIN), and the
decoded image shows its content in the other image's style (Huang & Belongie, Arbitrary style transfer
in real-time with adaptive instance normalization, ICCV 2017). Only the decoder is trained, on images
of both domains without labels. It is fixed during an adaptation.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from posebridge.errors import InputError
from posebridge.files.whole import write_bytes
from posebridge.models.encoder import ImageEncoder
from posebridge.models.finite import require_finite_weights
from posebridge.ops.style import adain, channel_statistics


class StyleNetwork(nn.Module):
    """Style transfer of images: encode, AdaIN, decode.

    The encoder is frozen: no gradient reaches its weights, and :meth:`train` leaves it in
    evaluation mode, so the statistics of its batch normalization never change.

    Args:
        encoder, weights, args, input_size: see :class:`~posebridge.models.encoder.ImageEncoder`.
        levels: encoder levels whose statistics are the style, from fine to coarse. AdaIN uses the
            last level; the decoder mirrors the encoder up to that level.
        width: multiplier of the decoder's channels. With a small encoder the decoder takes most of
            the time of style transfer.

    Attributes:
        encoder: the frozen :class:`ImageEncoder`.
        channels: C, channels of the AdaIN level, the length of a style's mean and std.

    Raises:
        InputError: the encoder's arguments are invalid; the levels' strides are not increasing powers
            of 2; the last stride does not divide ``input_size``.
    """

    def __init__(
        self,
        encoder: str = "vgg19.tv_in1k",
        levels: Sequence[int] = (0, 1, 2, 3),
        weights: str = "pretrained",
        args: Mapping[str, Any] | None = None,
        input_size: int | None = None,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = ImageEncoder(encoder, levels, weights, args, input_size)
        self.encoder.requires_grad_(False)
        reductions = self.encoder.reductions
        if any(a >= b for a, b in itertools.pairwise(reductions)) or any(
            r & (r - 1) for r in reductions
        ):
            raise InputError(
                f"levels {list(levels)} of encoder '{encoder}' have strides {list(reductions)}; "
                "a style network needs strides that are powers of 2 and grow from level to level."
            )
        if input_size is not None and input_size % reductions[-1]:
            nearest = max(1, round(input_size / reductions[-1])) * reductions[-1]
            raise InputError(
                f"crop.size is {input_size}, and the style network's features are {reductions[-1]} "
                f"times smaller; choose a multiple of {reductions[-1]}, such as {nearest}, or another "
                "style.method."
            )
        self.channels = self.encoder.channels[-1]
        self.decoder = _decoder(self.encoder.channels, reductions, width)
        self.train(self.training)

    def train(self, mode: bool = True) -> StyleNetwork:
        """Set the decoder's mode; the encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.no_grad()
    def statistics(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B C"]]:
        """Return the style of images in [0, 1]: mean and std of the channels at the AdaIN level."""
        mean, std = channel_statistics(self.encoder(images)[-1])
        return mean.flatten(1), std.flatten(1)

    def restyle(
        self,
        images: Float[Tensor, "B 3 H W"],
        style_mean: Float[Tensor, "B C"],
        style_std: Float[Tensor, "B C"],
        eta: Float[Tensor, " B"] | float = 1.0,
    ) -> Float[Tensor, "B 3 H W"]:
        """Return images in [0, 1] in the style of others, by one encoding and one decoding.

        Args:
            images: (B, 3, H, W), sides multiples of the AdaIN level's stride.
            style_mean, style_std: (B, C) from :meth:`statistics`, a style for each image.
            eta: amount of the style, for each image or for all: the features are
                ``eta AdaIN(f) + (1 - eta) f``. At 0 the image is reconstructed.

        Returns:
            (B, 3, H, W) in [0, 1]. No gradient reaches the images.
        """
        with torch.no_grad():
            content = self.encoder(images)[-1]
            styled = adain(content, style_mean[:, :, None, None], style_std[:, :, None, None])
            amount = eta.view(-1, 1, 1, 1) if isinstance(eta, Tensor) else eta
            mixed = content + amount * (styled - content)
        return self.decode(mixed).clamp(0, 1)

    def decode(self, features: Float[Tensor, "B C _h _w"]) -> Float[Tensor, "B 3 H W"]:
        """Return the image of features at the AdaIN level, not clamped to [0, 1]."""
        return self.decoder(features)

    def losses(
        self, content_images: Float[Tensor, "B 3 H W"], style_images: Float[Tensor, "B 3 H W"]
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the three loss terms of the decoder, each in [0, inf).

        With f the AdaIN level of the encoder, f_l all its levels, g the decoder, c a content
        image, s a style image and t = AdaIN(f(c), f(s)):

        - ``content = mean (f(g(t)) - t)^2`` and
        - ``style = sum_l mean (mu(f_l(g(t))) - mu(f_l(s)))^2 + mean (sigma(..) - sigma(..))^2``
          are equations 12 and 13 of Huang & Belongie 2017;
        - ``reconstruction = mean (g(f(c)) - c)^2``, in pixels, is the error of :meth:`restyle` at
          eta 0. It is not in the paper. It ties color and layout to the content early in training; a
          small encoder's features alone do so slowly.

        Returns:
            ``content``, ``style`` and ``reconstruction``, to be weighted and summed by the caller.
        """
        with torch.no_grad():
            content = self.encoder(content_images)[-1]
            styles = [channel_statistics(level) for level in self.encoder(style_images)]
            target = adain(content, *styles[-1])
        levels = self.encoder(self.decode(target))
        style = levels[-1].new_zeros(())
        for level, (mean, std) in zip(levels, styles, strict=True):
            own_mean, own_std = channel_statistics(level)
            style = style + F.mse_loss(own_mean, mean) + F.mse_loss(own_std, std)
        return {
            "content": F.mse_loss(levels[-1], target),
            "style": style,
            "reconstruction": F.mse_loss(self.decode(content), content_images),
        }

    def decoder_state(self) -> dict[str, Tensor]:
        """Return the decoder's weights, the trained part, on the CPU."""
        return {k: v.detach().cpu().contiguous() for k, v in self.decoder.state_dict().items()}

    def describe(self) -> dict[str, str]:
        """Return the encoder and format of a decoder, as the metadata of its file."""
        return {
            "format": "posebridge style decoder 1",
            "encoder": self.encoder.name,
            "levels": json.dumps(list(self.encoder.levels)),
            "weights": self.encoder.weights,
            "args": json.dumps(self.encoder.args, sort_keys=True, default=str),
            "fingerprint": _fingerprint(self.encoder),
        }

    def save(self, file: Path) -> None:
        """Write the decoder as one .safetensors file, atomically."""
        state = self.decoder_state()
        notes = {**self.describe(), "digest": _digest(state)}
        write_bytes(file, save(state, metadata=notes))

    def load(self, file: Path) -> None:
        """Read a decoder that :meth:`save` wrote for the same encoder.

        Raises:
            InputError: the file does not exist, is of another kind, holds a decoder of another
                encoder, or is damaged.
        """
        if not file.is_file():
            raise InputError(f"style decoder {file} does not exist; train a decoder first.")
        try:
            with safe_open(file, framework="pt") as opened:
                metadata = opened.metadata() or {}
                state = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"{file} cannot be read as .safetensors ({error}); train the decoder again."
            ) from error
        own = self.describe()
        if metadata.get("format") != own["format"]:
            raise InputError(
                f"{file} is not a style decoder that posebridge wrote; train a decoder first."
            )
        for key in ("encoder", "levels", "args"):
            if metadata.get(key) != own[key]:
                raise InputError(
                    f"{file} was trained for {key} {metadata.get(key)}, not for {own[key]}; "
                    "use the config that it was trained with or train another decoder."
                )
        if metadata.get("fingerprint") != own["fingerprint"]:
            raise InputError(
                f"{file} was trained for other weights of encoder '{self.encoder.name}' "
                f"('{metadata.get('weights')}') than '{self.encoder.weights}'; use the weights that it "
                "was trained with."
            )
        current = self.decoder.state_dict()
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in current.items()}:
            raise InputError(
                f"{file} holds a decoder of another width; use the width that it was trained with."
            )
        if metadata.get("digest", _digest(state)) != _digest(state):
            raise InputError(
                f"{file} is damaged (its checksum does not match); remove it to train it again."
            )
        require_finite_weights(state, str(file))
        self.decoder.load_state_dict(state)


def _digest(state: Mapping[str, Tensor]) -> str:
    """Return a checksum of tensors and their names."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _decoder(channels: Sequence[int], reductions: Sequence[int], width: float) -> nn.Sequential:
    """Build the decoder, features at ``reductions[-1]`` -> (B, 3, H, W), with x2 for each factor 2.

    A resolution with a level of the encoder gets the channels of that level (times ``width``), any
    other resolution half the channels of the one before.
    """
    known = dict(zip(reductions, channels, strict=True))

    def layers() -> Iterator[nn.Module]:
        inside = channels[-1]
        raw = inside
        reduction = reductions[-1]
        while reduction > 1:
            reduction //= 2
            raw = known.get(reduction, max(raw // 2, 16))
            outside = max(round(raw * width), 8)
            yield from _block(inside, outside)
            yield nn.Upsample(scale_factor=2, mode="nearest")
            yield from _block(outside, outside)
            inside = outside
        if reductions[-1] == 1:
            yield from _block(inside, inside)
        yield nn.Conv2d(inside, 3, 3, padding=1, padding_mode="reflect")

    return nn.Sequential(*layers())


def _block(inside: int, outside: int) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inside, outside, 3, padding=1, padding_mode="reflect")
    return convolution, nn.ReLU(inplace=True)


def _fingerprint(encoder: nn.Module) -> str:
    """Return a hash of all weights, which differs between two encoders of one name."""
    digest = hashlib.sha256()
    for value in encoder.state_dict().values():
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
