"""An HTML page on anchor poses: one file, no network, no server."""

from posecorpus.inspect.anchor_page.page import write_anchor_page

__all__ = ["write_anchor_page"]
