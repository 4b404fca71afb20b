"""Training of the style network's decoder on images of both domains, without labels."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from posebridge.data.crops import CropConfig
from posebridge.data.loaders import UnpairedBatches, step_loader
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.digested import append_digest, require_digest
from posebridge.files.locks import locked_file
from posebridge.files.whole import written_whole
from posebridge.models.finite import first_not_finite
from posebridge.models.style import StyleNetwork
from posebridge.ops import color_augmentation
from posebridge.training.config import StyleTrainingConfig
from posebridge.training.diagnostics import NonFiniteLoss
from posebridge.training.resume_file import save_content

CHECKPOINT_EVERY = 200


def build_style_network(config: StyleTrainingConfig, input_size: int, seed: int) -> StyleNetwork:
    """Return the network with an untrained decoder, its random parts drawn from the seed."""
    torch.manual_seed(seed)
    return StyleNetwork(
        config.encoder,
        config.feature_levels,
        config.encoder_weights,
        config.encoder_args,
        input_size,
        config.width,
    )


def train_style(
    config: StyleTrainingConfig,
    source: UnlabeledSamples,
    target: UnlabeledSamples,
    crops: CropConfig,
    file: Path,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    workers: int = 0,
    progress: Callable[[int, float, float], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> StyleNetwork:
    """Train until ``config.steps``, or resume where an earlier call was stopped.

    The file is locked meanwhile. A damaged resume file is dropped and the training starts again, which
    gives an equal decoder.

    Each step decodes source images in the style of target images and target images in the style of
    source images, so that one decoder serves both directions. Loss: content and style (Huang & Belongie
    2017) and the reconstruction of images in their own style, each with its weight.

    Args:
        file: the decoder's file, a .safetensors file; until the end, ``<file>.resume`` is next to it.
            A finished file is loaded and nothing is trained.
        progress: called with the step, the content and the style loss, every 20 steps.
        say: called with a sentence where the resume file is damaged.

    Returns:
        the trained network, in evaluation mode.

    Raises:
        InputError: the file belongs to another network, or the stopped training had another config,
            seed or numbers of images; or another process trains it.
        NonFiniteLoss: the decoder's weights became infinite or not a number.
    """
    with locked_file(file):
        return _train(config, source, target, crops, file, seed, device, workers, progress, say)


def _train(
    config: StyleTrainingConfig,
    source: UnlabeledSamples,
    target: UnlabeledSamples,
    crops: CropConfig,
    file: Path,
    seed: int,
    device: torch.device | str,
    workers: int,
    progress: Callable[[int, float, float], None] | None,
    say: Callable[[str], None] | None,
) -> StyleNetwork:
    network = (
        build_style_network(config, crops.size, seed)
        .to(torch.device(device))
        .to(memory_format=torch.channels_last)
    )
    if file.is_file():
        network.load(file)
        return network.eval()
    network.train()
    about = network.describe() | {
        "training": json.dumps([asdict(config), seed, len(source), len(target)], default=str)
    }
    optimizer = torch.optim.Adam(network.decoder.parameters(), lr=config.lr)
    resume = file.with_name(file.name + ".resume")
    first = 0
    if resume.is_file():
        first = _restore(resume, network, optimizer, about, say)
    for half in file.parent.glob(f".{file.name}.*.partial*"):  # of killed processes
        with suppress(OSError):
            half.unlink()
    batches = step_loader(
        UnpairedBatches(source, target, crops, config.batch, seed), first, config.steps, workers
    )
    for step, (of_source, of_target) in enumerate(batches, start=first):
        pixels = [color_augmentation.pixels(crops.to(device)) for crops in (of_source, of_target)]
        content, style = torch.cat(pixels), torch.cat(pixels[::-1])
        losses = network.losses(content, style)
        loss = config.content_weight * losses["content"] + config.style_weight * losses["style"]
        loss = loss + config.reconstruction_weight * losses["reconstruction"]
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(config, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if progress is not None and (step % 20 == 0 or step + 1 == config.steps):
            progress(step + 1, losses["content"].item(), losses["style"].item())
        if (step + 1) % CHECKPOINT_EVERY == 0:
            _require_finite(network, optimizer, step)
            _keep(resume, network, optimizer, step + 1, about)
    _require_finite(network, optimizer, config.steps - 1)
    network.save(file)
    resume.unlink(missing_ok=True)
    return network.eval()


def _learning_rate(config: StyleTrainingConfig, step: int) -> float:
    position = (step + 1) / config.steps
    if position < 0.1:
        return config.lr * position / 0.1
    return config.lr * 0.5 * (1 + math.cos(math.pi * (position - 0.1) / 0.9))


def _require_finite(network: StyleNetwork, optimizer: torch.optim.Optimizer, step: int) -> None:
    tensors = dict(network.decoder.state_dict())
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer {number} {k}": v for k, v in values.items() if torch.is_tensor(v)}
    name = first_not_finite(tensors)
    if name is not None:
        raise NonFiniteLoss(
            f"the style network is not finite after step {step} ('{name}'); the state stored before is "
            "kept. Try a lower style.network.lr."
        )


def _keep(
    resume: Path,
    network: StyleNetwork,
    optimizer: torch.optim.Optimizer,
    step: int,
    about: dict[str, str],
) -> None:
    with written_whole(resume, lambda file: require_digest(file, "remove it")) as partial:
        save_content(
            {
                "step": step,
                "about": about,
                "decoder": network.decoder.state_dict(),
                "optimizer": optimizer.state_dict(),
            },
            partial,
        )
        append_digest(partial)


def _restore(
    resume: Path,
    network: StyleNetwork,
    optimizer: torch.optim.Optimizer,
    about: dict[str, str],
    say: Callable[[str], None] | None,
) -> int:
    """Return the steps done; 0 where the file is damaged, with a sentence to ``say``."""
    try:
        require_digest(resume, "the style network is trained again from its beginning")
        try:
            state = torch.load(resume, weights_only=True, map_location="cpu")
            found, step = state["about"], int(state["step"])
        except Exception as error:  # any failure of a file of another kind
            raise InputError(
                f"{resume} is not the state of a style training ({type(error).__name__}); it is "
                "trained again from its beginning."
            ) from error
    except InputError as error:
        if say is not None:
            say(str(error))
        return 0
    if found != about:
        raise InputError(
            f"{resume} is the state of a training with another config, data or seed; resume with the "
            "earlier ones, or remove it to start again."
        )
    network.decoder.load_state_dict(state["decoder"])
    optimizer.load_state_dict(state["optimizer"])
    return step
