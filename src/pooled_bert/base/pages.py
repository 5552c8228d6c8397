"""HTML pages that need no other files, written from the templates; all content is escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .files import atomic_path
from .places import TEMPLATES


def write_page(path: Path, template: str, **content) -> None:
    """Fill in ``template``, a file in templates/, and write it to ``path``; lone surrogates become question marks."""
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.filters["zip"] = zip
    html = environment.get_template(template).render(content)
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace")
