"""``posebridge COMMAND``: runs a command, and turns errors into a sentence and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import posebridge
from posebridge.cli.arguments import print_any_name, require_usable
from posebridge.cli.renamed_options import RENAMED_COMMANDS, refuse_renamed_options
from posebridge.errors import InputError
from posebridge.memory import keep_freed_memory
from posebridge.termination import Terminated, terminated_by_sigterm

COMMANDS = {
    "adapt": "train on a labeled source and adapt to unlabeled photographs",
    "evaluate": "score a model on labeled images",
    "predict": "predict keypoints in images",
    "report": "write a page on a finished run: did the adaptation help?",
    "compare": "compare two models on the same images",
    "app": "serve a page on this machine: try models on images, monitor runs",
    "export": "write a model as ONNX, OpenVINO or a PyTorch program",
    "push": "put a model on the Hugging Face hub",
    "bench": "compare methods over seeds, with tables",
    "check": "check data before training: labels, boxes, duplicates",
    "skeleton": "show the keypoints of a skeleton, or match two",
    "convert": "convert an annotation file to another format",
    "train-style": "train the decoder of the style network on two domains",
    "datasets": "list published benchmarks, or check a downloaded one",
    "synth": "write synthetic figures as COCO folders",
    "demo": "train, adapt and score on synthetic figures, in minutes",
}

_RESUMES = {
    "adapt": " and --resume continues from the last checkpoint",
    "bench": " and the same command resumes",
    "predict": " and the same command resumes a video",
    "train-style": " and the same command continues from the last checkpoint",
}

EXAMPLES = """examples:
  posebridge demo
  posebridge adapt --preset multilevel_tta --source renders/annotations.json \\
      --target photographs/ --out runs/people
  posebridge predict runs/people photographs/ --out predictions.json --overlays overlays/
  posebridge evaluate runs/people test/annotations.json --out results.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Exit codes: 0 done, 1 failed while training, 2 unusable input, 130 stopped by Ctrl-C, 143 stopped
    by SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(usage())
        return 0
    if given[0] == "--version":
        print(posebridge.__version__)
        return 0
    name, rest = given[0], given[1:]
    # Before torch loads OpenMP: threads that wait must not keep the cores from the workers.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_freed_memory()
    if name not in COMMANDS:
        problem = f"unknown command '{name}'; known are {', '.join(COMMANDS)}."
        if name in RENAMED_COMMANDS:
            problem = f"the command {name} is now {RENAMED_COMMANDS[name]}; give that instead."
        print(f"posebridge: {problem}", file=sys.stderr)
        return 2
    print_any_name()
    with terminated_by_sigterm():
        return _run(name, rest)


def _run(name: str, rest: Sequence[str]) -> int:
    try:
        require_usable(rest)
        refuse_renamed_options(name, rest)
        command = importlib.import_module(f"posebridge.cli.{name.replace('-', '_')}")
        return int(command.main(rest))
    except InputError as error:
        print(f"posebridge {name}: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated) as error:
        hint = _RESUMES.get(name, "")
        print(f"posebridge {name}: stopped; what was written is kept{hint}.", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 143
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except EOFError:
        print(
            f"posebridge {name}: the input ended before the confirmation; nothing was done.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        # Such as a full disk: a command can't check for every such error in advance.
        files = [
            os.fsdecode(f) for f in (error.filename, error.filename2) if isinstance(f, (str, bytes))
        ]
        place = f"{' to '.join(files)}: " if files else ""
        print(f"posebridge {name}: {place}{error.strerror or error}.", file=sys.stderr)
        return 2
    except MemoryError:
        print(
            f"posebridge {name}: this machine has too little memory; give smaller input"
            ", or a smaller batch or image size.",
            file=sys.stderr,
        )
        return 2
    except RecursionError:
        print(
            f"posebridge {name}: the input is nested too deeply; give the file as its "
            "tool wrote it.",
            file=sys.stderr,
        )
        return 2
    except RuntimeError as error:
        sentence = _failure(error, _RESUMES.get(name, ""))
        if sentence is None:
            raise
        print(f"posebridge {name}: {sentence}", file=sys.stderr)
        return 1


def _failure(error: RuntimeError, hint: str) -> str | None:
    """Return a sentence on what failed during the work; None for a bug of the program."""
    kind, text = type(error).__name__, str(error)
    if kind == "NonFiniteLoss":
        return text
    if kind == "OutOfMemoryError":
        return (
            "the accelerator has too little memory; give a smaller batch or image size. "
            f" What was written is kept{hint}."
        )
    if text.startswith("DataLoader worker"):
        return (
            "a process that loads images was killed, often for lack of memory; what was "
            f"written is kept{hint}."
        )
    return None


def usage() -> str:
    """Return the text of ``posebridge --help``."""
    lines = "\n".join(f"  {name:<12} {text}" for name, text in COMMANDS.items())
    return (
        "usage: posebridge COMMAND [...]\n\n"
        "Adapts a pose model from labeled rendered images to unlabeled photographs.\n\n"
        f"commands:\n{lines}\n\nposebridge COMMAND --help shows the options of a command.\n\n{EXAMPLES}"
    )


if __name__ == "__main__":
    sys.exit(main())
