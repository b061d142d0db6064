"""Jinja environment of the HTML pages: offline, with every value escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def html_template(name: str) -> Template:
    """The template ``pipelines/templates/<name>``; a value that it misses is an error."""
    pages = Environment(
        loader=PackageLoader("pipelines"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(name)
