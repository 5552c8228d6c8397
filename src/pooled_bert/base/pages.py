"""Pages that stand alone: templates, filled in with everything escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .files import atomic_path
from .places import TEMPLATES


def write_page(path: Path, template: str, **content) -> None:
    """Fill in ``template`` (a file in templates/) and write it. What has no UTF-8 form becomes a question mark."""
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.filters["zip"] = zip
    html = environment.get_template(template).render(content)
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace")
