"""``posebridge train-style``."""

from __future__ import annotations

from collections.abc import Sequence

EXAMPLES = """examples:
  posebridge train-style --source renders/annotations.json --target photographs/ \\
      --out style.safetensors
  posebridge adapt ... --style.decoder style.safetensors
"""

SHORT_HELP = {
    "data": ("source", "target", "source_image_root", "target_image_root", "data_root"),
    "style network": (
        *("style.network.encoder", "style.network.encoder_weights", "style.network.steps"),
        *("style.network.batch", "style.network.lr", "crop.size"),
    ),
    "settings": ("preset", "config", "seed"),
    "hardware": ("device", "precision", "workers"),
    "output": ("out",),
}
"""Group -> the options of one screen of help."""


def main(arguments: Sequence[str]) -> int:
    """Train a style decoder; see ``posebridge train-style --help``."""
    from jsonargparse import ArgumentParser

    from posebridge.cli.arguments import add_out
    from posebridge.cli.output_paths import require_file
    from posebridge.cli.settings_help import print_help_and_exit
    from posebridge.report.console import plain_console
    from posebridge.training.presets import add_settings, parse_settings

    parser = ArgumentParser(
        prog="posebridge train-style",
        usage="posebridge train-style --source LABELS --target IMAGES --out FILE [options]",
        description="Train the decoder of the AdaIN style network on the images of two domains, "
        "without labels. A stopped training is resumed by the same command. The options are the "
        "config fields of 'posebridge adapt'.",
        epilog=EXAMPLES,
        exit_on_error=False,
    )
    add_out(parser, "file of the decoder: .safetensors", "FILE")
    add_settings(parser)
    print_help_and_exit(parser, arguments, SHORT_HELP)
    config, own = parse_settings(parser, arguments)
    file = require_file(own.out)
    sheet = require_file(file.with_suffix(".png"))

    from posebridge.errors import InputError
    from posebridge.inference.load_domains import located, read_domains
    from posebridge.report.progress_bar import ProgressBar
    from posebridge.report.style_sheet import write_style_sheet
    from posebridge.training.fill_style_bank import get_style_decoder

    console = plain_console()
    config = located(config)
    source, target = read_domains(config)
    if source is None:
        raise InputError("a style network needs source images; name them with --source.")
    exists = file.is_file()
    with ProgressBar(console, "training the style network", config.style.network.steps) as bar:
        network = get_style_decoder(
            config,
            source.images,
            target,
            file,
            lambda step, content, style: bar.update(
                step, f"content {content:.3f} style {style:.3f}"
            ),
            lambda line: console.print(line, style="yellow", highlight=False),
        )
    write_style_sheet(sheet, network, source.images, target, config.crop)
    done = "exists already, and is unchanged" if exists else "written"
    console.print(f"{done}: {file}\nimages: {sheet}", highlight=False)
    return 0
