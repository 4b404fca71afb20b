"""The style network: frozen encoder, one decoding, losses with a gradient, files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from posebridge.errors import InputError
from posebridge.models.style import StyleNetwork


def network(levels: tuple[int, ...] = (0, 1), width: float = 0.25, seed: int = 0) -> StyleNetwork:
    torch.manual_seed(seed)
    return StyleNetwork("mobilenetv1_100", levels, "none", width=width)


def images(count: int = 2, seed: int = 0, side: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("levels", [(0,), (0, 1), (0, 1, 2), (2,)])
def test_images_come_back_in_their_size(levels: tuple[int, ...]) -> None:
    net = network(levels)
    mean, std = net.statistics(images())
    assert mean.shape == std.shape == (2, net.channels)
    restyled = net.restyle(images(), mean, std)
    assert restyled.shape == (2, 3, 32, 32)
    assert restyled.min() >= 0 and restyled.max() <= 1


def test_vgg_reaches_the_resolution_of_the_image() -> None:
    net = StyleNetwork("vgg11", (0, 1), "none", width=0.1)
    assert net.encoder.reductions == (1, 2)
    assert net.restyle(images(), *net.statistics(images())).shape == (2, 3, 32, 32)


def test_own_style_reconstructs() -> None:
    net = network().eval()
    x = images()
    with torch.no_grad():
        own = net.restyle(x, *net.statistics(x), eta=1.0)
        plain = net.decode(net.encoder(x)[-1]).clamp(0, 1)
    torch.testing.assert_close(own, plain, atol=1e-5, rtol=0)


def test_eta_is_taken_image_by_image() -> None:
    net = network().eval()
    x, style = images(), net.statistics(images(seed=1))
    with torch.no_grad():
        mixed = net.restyle(x, *style, eta=torch.tensor([0.0, 1.0]))
        torch.testing.assert_close(mixed[0], net.restyle(x, *style, eta=0.0)[0])
        torch.testing.assert_close(mixed[1], net.restyle(x, *style, eta=1.0)[1])


def test_the_encoder_stays_frozen() -> None:
    net = network().train()
    assert net.decoder.training
    assert not any(module.training for module in net.encoder.modules())
    before = {k: v.clone() for k, v in net.encoder.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    sum(net.losses(images(), images(seed=1)).values(), torch.zeros(())).backward()
    optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in net.encoder.state_dict().items())
    assert all(p.grad is None for p in net.encoder.parameters())
    assert all(p.grad is not None for p in net.decoder.parameters())


def test_losses_fall_when_the_decoder_learns() -> None:
    net = network((0,))
    content, style = images(4), images(4, seed=1)
    optimizer = torch.optim.Adam(net.decoder.parameters(), 3e-3)
    totals = []
    for _ in range(12):
        losses = net.losses(content, style)
        assert set(losses) == {"content", "style", "reconstruction"}
        total = losses["content"] + losses["style"] + 100 * losses["reconstruction"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(total.item())
    assert totals[-1] < 0.8 * totals[0]


def test_losses_vanish_for_a_perfect_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the style image as content: decoding its features to the image itself has no loss."""
    net, x = network(), images()
    monkeypatch.setattr(net, "decode", lambda _: x)
    losses = net.losses(x, x)
    assert all(value.item() == pytest.approx(0, abs=1e-6) for value in losses.values())


def test_decoder_survives_a_file(tmp_path: Path) -> None:
    file = tmp_path / "styles" / "decoder.safetensors"
    net, other = network(), network()
    torch.nn.init.zeros_(next(other.decoder.parameters()))
    net.save(file)
    other.load(file)
    assert all(torch.equal(v, other.decoder_state()[k]) for k, v in net.decoder_state().items())
    assert [path.name for path in file.parent.iterdir()] == ["decoder.safetensors"]


def test_mismatched_decoders_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "decoder.safetensors"
    net = network()
    net.save(file)
    with pytest.raises(InputError, match=r"levels \[0, 1\], not for \[0\]"):
        network((0,)).load(file)
    with pytest.raises(InputError, match="encoder mobilenetv1_100, not for test_resnet"):
        StyleNetwork("test_resnet", (0, 1), "none").load(file)
    with pytest.raises(InputError, match="other weights of encoder"):
        network(seed=1).load(file)
    with pytest.raises(InputError, match="another width"):
        network(width=0.5).load(file)
    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(InputError, match="not a style decoder"):
        net.load(file)
    file.write_text("junk")
    with pytest.raises(InputError, match="cannot be read"):
        net.load(file)
    with pytest.raises(InputError, match="does not exist"):
        net.load(tmp_path / "gone.safetensors")


def test_crops_that_the_features_do_not_divide() -> None:
    with pytest.raises(InputError, match=r"crop.size is 50.* 4 times smaller; .* such as 48"):
        StyleNetwork("mobilenetv1_100", (0, 1), "none", input_size=50)


def test_levels_must_grow() -> None:
    with pytest.raises(InputError, match=r"strides \[4, 2\]"):
        network((1, 0))
