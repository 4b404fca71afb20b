"""Runs the prediction pipeline with the console of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from posebridge.cli.output_paths import require_file, require_folder
from posebridge.inference.predict_config import PredictConfig
from posebridge.inference.predict_pipeline import predict_to_files
from posebridge.inference.writers import output_ending
from posebridge.report.overlay_writers import overlay_writer
from posebridge.report.progress_bar import ProgressBar


class ConsoleListener:
    """Prints the lines and the progress of the pipeline."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self, title: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        """Show a progress bar while the context is open."""
        with ProgressBar(self.console, title, total, done) as bar:
            yield bar.update


def run_predict(config: PredictConfig, console: Console) -> None:
    """Predict, write the files, and print which; every place is checked before the model loads.

    Raises:
        InputError: see :func:`~posebridge.inference.predict_pipeline.predict_to_files`.
    """
    for out in config.out:
        output_ending(out)
        require_file(out)
    if config.overlays is not None and not config.overlay_video:
        require_folder(config.overlays, "--overlays")
    if config.save_frames is not None:
        require_folder(config.save_frames, "--save-frames")
    result = predict_to_files(config, overlay_writer(config), ConsoleListener(console))
    for line in () if result is None else result.predictions.skipped:
        console.print(f"skipped {line}", style="yellow", highlight=False)
