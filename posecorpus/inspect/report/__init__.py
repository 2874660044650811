"""An HTML report on a corpus: one file, no network, no server."""

from posecorpus.inspect.report.page import write_report

__all__ = ["write_report"]
