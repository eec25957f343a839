"""Pages: one HTML file that needs nothing else and trusts nothing in the data.

The data is full of hostile text. On the server side all of it goes through
Jinja's escaping; a page's script gets it as JSON in which no markup can begin,
and puts it on the page as text only. A Content-Security-Policy allows the
page's one style and one script, by their hashes, and nothing else: no request,
no inline handler, no markup from strings.
"""

import base64
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

__all__ = ["render_page"]

_SHARED = Path(__file__).with_name("templates")
_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; "
    "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_INERT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_TURNING = {code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_HYPHEN = re.compile(r"(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])")


def render_page(template: Path, data: object, **context: Any) -> str:  # noqa: ANN401 - what a template shows
    """Render a page from its template, with the script and the style that lie beside it.

    Args:
        template: ``NAME.html.j2``; beside it ``NAME.js`` and, if it has one, ``NAME.css``.
        data: What the script gets: any JSON value.
        context: What the template shows.
    """
    name = template.name.partition(".")[0]
    script = _text(_SHARED / "page.js") + _text(template.with_name(f"{name}.js"))
    style = _text(_SHARED / "page.css") + _text(template.with_name(f"{name}.css"))
    return (
        _environment(template.parent)
        .get_template(template.name)
        .render(
            policy=_POLICY.format(script=_digest(script), style=_digest(style)),
            script=Markup(script),  # noqa: S704 - ours, from the package
            style=Markup(style),  # noqa: S704
            data=Markup(_inert_json(data)),  # noqa: S704 - no character of markup is left in it
            **context,
        )
    )


@lru_cache
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["label"] = _label
    environment.filters["title"] = lambda name: _HYPHEN.sub(" ", _label(name))
    environment.filters["step"] = _step
    return environment


def _label(name: str) -> str:
    return name.replace("_", " ")


def _step(step: str) -> str:
    """``system_tools.manage_files:copy`` as people say it: manage files, copy."""
    return _label(step.partition(".")[2].replace(":", ", "))


def _visible(value: object) -> object:
    """Show what would act without being seen: control characters, and those that turn text around."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return value.translate(_PICTURES).translate(_TURNING).encode("utf-8", "replace").decode()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert_json(value: object) -> str:
    """JSON in ASCII in which no tag, comment or entity can begin."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _INERT.items():
        text = text.replace(character, escape)
    return text
