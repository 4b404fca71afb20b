"""Markdown pages of the public interface, from its docstrings and signatures.

``write(folder)`` makes ``python.md`` (what is called and what it returns), ``fields.md`` (every field
of a configuration) and ``alignment.md`` (the levels of the method). Docstrings are in Google's style;
their literals and roles are turned into Markdown.
"""

from __future__ import annotations

import dataclasses
import html
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docstring_parser

PYTHON = {
    "posebridge": ["adapt", "load", "evaluate", "make_report"],
    "posebridge.training.run": ["RunResult"],
    "posebridge.inference.predictor": ["Predictor", "PosePredictions"],
    "posebridge.evaluation": ["Results"],
    "posebridge.errors": ["InputError"],
}
LEVELS = (
    *("level", "style_bank", "style_transfer", "domain_adversarial", "information_maximization"),
    *("mean_teacher", "pseudo_labels", "facing"),
)
ALIGNMENT = [f"posebridge.alignment.{name}" for name in LEVELS]


def write(folder: Path) -> None:
    """Write the three pages into ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python.md").write_text(_python(), encoding="utf-8")
    (folder / "fields.md").write_text(_settings(), encoding="utf-8")
    (folder / "alignment.md").write_text(_alignment(), encoding="utf-8")


def markdown(text: str | None) -> str:
    """A docstring's text as Markdown: literals, roles, and examples as code.

    >>> markdown("See :func:`adapt` and ``{}``.")
    'See `adapt` and `{}`.'
    """
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", inspect.cleandoc(text or ""))
    text = text.replace("``", "`")
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n\n".join(
        f"```pycon\n{inspect.cleandoc(p)}\n```" if p.lstrip().startswith(">>>") else _prose(p)
        for p in paragraphs
    )


def _prose(paragraph: str) -> str:
    # An asterisk or a bracket between words is arithmetic or an interval, never Markdown here.
    parts = re.split(r"(`[^`]*`)", paragraph)
    return "".join(
        part if part.startswith("`") else html.escape(re.sub(r"([*_\[\]])", r"\\\1", part), False)
        for part in parts
    )


def _python() -> str:
    blocks = [
        "# Python interface\n\n"
        "After this page you can call posebridge from Python. Points are (x, y) in pixels; an\n"
        "integer is the center of a pixel. Input that cannot be used raises\n"
        "`posebridge.InputError`, whose text is one sentence."
    ]
    for module, names in PYTHON.items():
        room = importlib.import_module(module)
        for name in names:
            title = f"{module}.{name}" if module == "posebridge" else name
            blocks.append(_entry(getattr(room, name), title, home=module))
    return "\n\n".join(blocks) + "\n"


def _alignment() -> str:
    blocks = [
        "# Alignment\n\n"
        "After this page you can use a level of the method in your own training. The levels are pure\n"
        "functions of tensors and small modules without files or trainers.\n"
        "[The method](../background/method.md) shows how they are combined."
    ]
    for name in ALIGNMENT:
        module = importlib.import_module(name)
        blocks.append(f"## {name}\n\n{markdown(inspect.getdoc(module))}")
        blocks += [
            _entry(value, key, level=3)
            for key, value in vars(module).items()
            if getattr(value, "__module__", None) == name
            and not key.startswith("_")
            and (inspect.isfunction(value) or inspect.isclass(value))
        ]
    return "\n\n".join(blocks) + "\n"


def _entry(value: Any, name: str, level: int = 2, home: str = "") -> str:
    described = docstring_parser.parse(inspect.getdoc(value) or "", docstring_parser.Style.GOOGLE)
    blocks = [f"{'#' * level} {name}"]
    if not (inspect.isclass(value) and issubclass(value, Exception)):
        blocks.append(f"```python\n{_signature(value, name.rpartition('.')[2])}\n```")
    blocks.append(markdown(described.description))
    if home not in ("", "posebridge"):
        blocks.append(f"In `{home}`.")
    blocks += [_list(title, rows) for title, rows in _sections(described) if rows]
    if inspect.isclass(value):
        blocks += [
            _entry(member, f"{value.__name__}.{key}", level + 1) for key, member in _members(value)
        ]
    return "\n\n".join(block for block in blocks if block)


def _sections(described: docstring_parser.Docstring) -> Iterator[tuple[str, list[str]]]:
    params = [f"`{p.arg_name}`: {_line(p.description)}" for p in described.params]
    yield "", params
    if described.returns is not None:
        kind = f"{described.returns.type_name}: " if described.returns.type_name else ""
        yield "Returns", [_line(kind + (described.returns.description or ""))]
    yield "Raises", [f"`{r.type_name}`: {_line(r.description)}" for r in described.raises]


def _list(title: str, rows: list[str]) -> str:
    body = "\n".join(f"- {row}" for row in rows)
    return f"**{title}**\n\n{body}" if title else body


def _line(text: str | None) -> str:
    return markdown(" ".join((text or "").split()))


def _members(owner: type) -> Iterator[tuple[str, Any]]:
    """Public documented methods and properties that the class itself defines."""
    for key, member in vars(owner).items():
        inner = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if key.startswith("_") or not (inspect.isfunction(inner) or isinstance(inner, property)):
            continue
        if inspect.getdoc(inner):
            yield key, inner


def _signature(value: Any, name: str) -> str:
    """One parameter a line where they do not fit into one line of 88."""
    if isinstance(value, property):
        result = inspect.signature(value.fget).return_annotation if value.fget else ""
        return f"{name}: {_annotation(result)}"
    signature = inspect.signature(value)
    parts, keyword_only = [], False
    for parameter in signature.parameters.values():
        # What torch's Module hands on is not a parameter of a class without a constructor of its own.
        handed_on = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.name in ("self", "cls") or (
            inspect.isclass(value) and handed_on and "__init__" not in vars(value)
        ):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            parts.append("*")
        parts.append(_parameter(parameter))
    result = signature.return_annotation
    shown = "" if inspect.isclass(value) or result is inspect.Signature.empty else " -> "
    end = f"){shown}{_annotation(result) if shown else ''}"
    line = f"{name}({', '.join(parts)}{end}"
    return line if len(line) <= 88 else f"{name}(\n    " + ",\n    ".join(parts) + f",\n{end}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = stars + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {_annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    default = parameter.default
    shown = (
        "..." if type(default).__repr__ is object.__repr__ or callable(default) else repr(default)
    )
    return f"{text} = {shown}" if ": " in text else f"{text}={shown}"


def _annotation(annotation: Any) -> str:
    text = (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )
    return text


def _settings() -> str:
    from posebridge.training.config import AdaptConfig

    blocks = [
        "# All fields\n\n"
        "After this page you can set any field of a run. The fields belong to\n"
        "`posebridge.training.config.AdaptConfig`. On the command line\n"
        "`--feature.weight 0`, in YAML `feature: {weight: 0}`, from Python\n"
        '`overrides={"feature.weight": 0}`.'
        " [Configuration](configuration.md) shows how\nthey are combined."
    ]
    blocks += list(_groups(AdaptConfig(), ""))
    return "\n\n".join(blocks) + "\n"


def _groups(config: Any, prefix: str) -> Iterator[str]:
    """A table for the plain fields of a group, then its groups."""
    texts = {
        p.arg_name: _line(p.description)
        for p in docstring_parser.parse(
            inspect.getdoc(type(config)) or "", docstring_parser.Style.GOOGLE
        ).params
    }
    rows, inner = [], []
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), prefix + field.name
        if dataclasses.is_dataclass(value):
            inner.append((name, value, texts.get(field.name, "")))
            continue
        default = _cell(repr(value))
        rows.append(f"| `{name}` | `{default}` | {_cell(texts.get(field.name, ''))} |")
    if rows:
        yield f"## {prefix.rstrip('.') or 'Run and data'}"
        yield "| field | default | meaning |\n| --- | --- | --- |\n" + "\n".join(rows)
    for name, value, _ in inner:
        yield from _groups(value, name + ".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
