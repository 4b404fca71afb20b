"""``posebridge style``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge style --source renders/annotations.json --target photographs/ --out style.safetensors
  posebridge adapt ... --image.decoder style.safetensors
"""


def main(arguments: Sequence[str]) -> int:
    """Train a style decoder; see ``posebridge style --help``."""
    from jsonargparse import ArgumentParser

    from posebridge.cli.output_paths import require_file
    from posebridge.report.console import plain_console
    from posebridge.training.presets import add_settings, parse_settings

    parser = ArgumentParser(
        prog="posebridge style",
        description="Train the decoder of the AdaIN style network on the images of two domains; no "
        "label is used. A run that was stopped goes on. The settings are those of "
        "'posebridge adapt'; image.network.* and crop.* matter here.",
        epilog=EXAMPLES,
        exit_on_error=False,
    )
    parser.add_argument("--out", type=str, required=True, help="the .safetensors file to write")
    add_settings(parser)
    config, own = parse_settings(parser, arguments)
    file = require_file(own.out)
    picture = require_file(file.with_suffix(".png"))

    from posebridge.errors import InputError
    from posebridge.inference.load_domains import located, read_domains
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.style_sheet import write_style_sheet
    from posebridge.training.fill_style_bank import train_style_of

    console = plain_console()
    config = located(config)
    source, target = read_domains(config)
    if source is None:
        raise InputError("a style network needs source images; name them with --source.")
    there = file.is_file()
    with ProgressBar(console, "training the style network", config.image.network.steps) as bar:
        network = train_style_of(
            config,
            source.images,
            target,
            file,
            lambda step, content, style: bar.update(
                step, f"content {content:.3f} style {style:.3f}"
            ),
            lambda line: console.print(line, style="yellow", highlight=False),
        )
    write_style_sheet(picture, network, source.images, target, config.crop)
    done = "trained before, and left as it is" if there else "written"
    console.print(f"{done}: {file}\npictures: {picture}", highlight=False)
    return 0
