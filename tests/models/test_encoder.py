"""Encoders of every family in one shape, weights from files, and refused settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from posebridge.errors import InputError
from posebridge.models.encoder import ImageEncoder

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / os.environ.get(
    "POSEBRIDGE_WEIGHTS", "../shared/data/weights/mobilenetv1_100_imagenet.safetensors"
)
MOBILENET_ARGS = {"pad_type": "same", "bn_eps": 1e-3}


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("test_resnet", (0, 2)),
        ("test_resnet", (-1, 0)),
        ("test_convnext", (1,)),
        ("test_efficientnet", (3, 1)),
        ("test_vit", (-1, 2)),
        ("test_maxvit", (1, -1)),
        ("mobilenetv1_100", (-2,)),
    ],
)
def test_feature_maps_match_the_declared_shapes(name: str, levels: tuple[int, ...]) -> None:
    encoder = ImageEncoder(name, levels, "none", input_size=64).eval()
    with torch.no_grad():
        maps = encoder(torch.rand(2, 3, 64, 64))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 64 // reduction, 64 // reduction)
        for channels, reduction in zip(encoder.channels, encoder.reductions, strict=True)
    ]
    assert all(level >= 0 for level in encoder.levels)


@pytest.mark.parametrize("name", ["mobilenetv1_100", "test_efficientnet", "mobilenetv3_small_050"])
def test_unused_stages_do_not_run(name: str) -> None:
    """Skip unused stages of EfficientNets; outputs, gradients and weight names stay timm's."""
    for levels in ((0,), (2,), (-2, 1), (-1,)):
        torch.manual_seed(0)
        encoder = ImageEncoder(name, levels, "none")
        whole = timm.create_model(name, features_only=True, out_indices=levels)
        assert encoder.net.state_dict().keys() == whole.state_dict().keys()
        whole.load_state_dict(encoder.net.state_dict())
        before = {k: v.clone() for k, v in whole.state_dict().items()}
        images = torch.rand(2, 3, 64, 64)
        for train in (True, False):
            encoder.train(train)
            whole.train(train)
            found, wanted = encoder(images), whole(encoder.normalize(images))
            assert [m.shape for m in found] == [wanted[i].shape for i in encoder._order]
            assert all(map(torch.equal, found, [wanted[i] for i in encoder._order]))
            for maps in (found, wanted):
                torch.stack([level.square().mean() for level in maps]).sum().backward()
        theirs = dict(whole.named_parameters())
        for key, parameter in encoder.net.named_parameters():
            assert (parameter.grad is None) == (theirs[key].grad is None)
            if parameter.grad is not None:
                torch.testing.assert_close(parameter.grad, theirs[key].grad)
        # The running statistics show which stages processed the images.
        stages = {f["stage"] for f in whole.feature_info.get_dicts()}
        for key, value in encoder.net.state_dict().items():
            if key.startswith("blocks.") and key.endswith("running_mean"):
                ran = int(key.split(".")[1]) < max(stages)
                assert torch.equal(value, before[key]) != ran, key


def test_an_encoder_with_stages_left_out_is_exported_without_them() -> None:
    encoder = ImageEncoder("mobilenetv1_100", (2,), "none").eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        (wanted,) = encoder(images)
        exported = torch.export.export(encoder, (images,), strict=False)
        assert torch.equal(exported.module()(images)[0], wanted)
    # The graph contains no stage behind the level.
    convolutions = [n for n in exported.graph.nodes if "conv2d" in str(n.target)]
    stages = list(encoder.net.blocks.children())[:3]  # level 2 is the third
    theirs = sum(isinstance(module, nn.Conv2d) for s in stages for module in s.modules())
    assert len(convolutions) == 1 + theirs  # the stem and its own


def test_feature_level_may_repeat() -> None:
    encoder = ImageEncoder("test_resnet", (4, 1, -1), "none").eval()
    with torch.no_grad():
        last, first, again = encoder(torch.rand(1, 3, 64, 64))
    assert encoder.levels == (4, 1, 4) and first.shape[-1] == 16
    assert torch.equal(last, again)


def test_channels_stay_second_where_timm_puts_them_last() -> None:
    encoder = ImageEncoder("swin_tiny_patch4_window7_224", (0,), "none", input_size=64).eval()
    with torch.no_grad():
        (only,) = encoder(torch.rand(1, 3, 64, 64))
    assert only.shape == (1, 96, 16, 16)


def test_normalization_is_the_models_own() -> None:
    encoder = ImageEncoder("mobilenetv1_100", (0,), "none")
    gray = torch.full((1, 3, 4, 4), 0.75)
    torch.testing.assert_close(encoder.normalize(gray), torch.full_like(gray, 0.5))
    other = ImageEncoder("mobilenetv1_100", (0,), "none", mean=(0, 0.25, 0.5), std=(1, 0.5, 0.25))
    torch.testing.assert_close(
        other.normalize(gray)[0, :, 0, 0], torch.tensor([0.75, 1.0, 1.0]), atol=1e-6, rtol=0
    )


def test_images_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"\(1, 1, 32, 32\), expected \(B, 3, H, W\)"):
        ImageEncoder("test_resnet", (0,), "none")(torch.zeros(1, 1, 32, 32))


@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"the weights {WEIGHTS} are not here")
def test_the_shared_weights_load() -> None:
    encoder = ImageEncoder("mobilenetv1_100", (3,), str(WEIGHTS), MOBILENET_ARGS).eval()
    assert encoder.channels == (512,) and encoder.reductions == (16,)
    assert all(p.dtype == torch.float32 for p in encoder.parameters())
    other = timm.create_model("mobilenetv1_100", features_only=True, **MOBILENET_ARGS)
    assert not torch.equal(
        other.state_dict()["conv_stem.weight"], encoder.net.state_dict()["conv_stem.weight"]
    )
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 64, 64))[0].isfinite().all()


def stored(name: str, file: Path, prefix: str = "", **args: Any) -> nn.Module:
    """Write a whole model with its classifier, in half precision under a prefix."""
    model = timm.create_model(name, **args)
    state = {
        prefix + k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()
    }
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"epoch": 3, "state_dict": state}, file)
    return model


@pytest.mark.parametrize("prefix", ["", "module.", "encoder.", "module.backbone.net."])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_whole_model(tmp_path: Path, prefix: str, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    model = stored("test_convnext", file, prefix)
    encoder = ImageEncoder("test_convnext", (0, 1), str(file))
    torch.testing.assert_close(
        encoder.net.state_dict()["stages_1.blocks.0.norm.weight"],
        model.state_dict()["stages.1.blocks.0.norm.weight"].half().float(),
    )


def test_transformer_weights_of_another_input_size(tmp_path: Path) -> None:
    file = tmp_path / "vit.pth"
    model = stored("test_vit", file, "module.backbone.", img_size=160)
    encoder = ImageEncoder("test_vit", (2,), str(file), input_size=64).eval()
    state = encoder.net.state_dict()
    assert state["model.pos_embed"].shape[1] == 1 + 4 * 4
    torch.testing.assert_close(
        state["model.blocks.1.attn.qkv.weight"],
        model.state_dict()["blocks.1.attn.qkv.weight"].half().float(),
    )


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save({"state_dict": Touch(tmp_path / "ran")}, file)
    with pytest.raises(InputError, match="more than plain tensors"):
        ImageEncoder("test_resnet", (0,), str(file))
    assert not (tmp_path / "ran").exists()


class Touch:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "small.safetensors"
    stored("test_resnet", file)
    with pytest.raises(InputError, match=r"small.safetensors does not hold .* such as conv_stem"):
        ImageEncoder("mobilenetv1_100", (0,), str(file))
    wider = tmp_path / "wide.safetensors"
    stored("mobilenetv1_125", wider)
    with pytest.raises(
        InputError, match=r"another shape, such as conv_stem.weight \(40, 3, 3, 3\)"
    ):
        ImageEncoder("mobilenetv1_100", (0,), str(wider))
    damaged = tmp_path / "damaged.pth"
    damaged.write_text("junk")
    with pytest.raises(InputError, match="damaged.pth cannot be read"):
        ImageEncoder("test_resnet", (0,), str(damaged))


@pytest.mark.parametrize(
    ("name", "levels", "options", "message"),
    [
        ("resnet1O1", (0,), {}, "close names: resnet101"),
        ("vgg19.nope", (0,), {}, "choose from: vgg19.tv_in1k"),
        ("test_resnet", (), {}, "no levels"),
        ("test_resnet", (9,), {"weights": "none"}, "no such levels"),
        ("test_vit", (9,), {"weights": "none"}, "no such levels"),
        ("test_resnet", (0,), {"weights": "imagenet"}, "give 'pretrained', 'none', or a"),
        ("test_resnet", (0,), {"weights": "gone.pth"}, "gone.pth of encoder .* does not exist"),
        (
            "test_resnet",
            (0,),
            {"weights": "none", "args": {"foo": 1}},
            "has .foo., which is not an argument",
        ),
        ("test_vit", (0,), {"weights": "none", "input_size": 100}, "a multiple such as 96"),
    ],
)
def test_invalid_encoder_settings_are_refused(
    name: str, levels: tuple[int, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ImageEncoder(name, levels, **options)  # pyright: ignore[reportArgumentType]


def test_encoder_weights_load_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> nn.Module:
        raise FileNotFoundError("cannot find the requested files in the local cache")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(InputError, match="weights of test_resnet could not be downloaded"):
        ImageEncoder("test_resnet", (0,))
