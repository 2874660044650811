"""What all HTML pages share: a closed document, its style, small helpers, a 3D camera, charts."""

from posecorpus.inspect.shell.page import PageParts, render_page

__all__ = ["PageParts", "render_page"]
