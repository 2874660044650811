"""A corpus in formats that other tools read: COCO keypoints, plain folders, WebDataset."""

from posecorpus.pipelines.export.run import FORMATS, Format, export_corpus

__all__ = ["FORMATS", "Format", "export_corpus"]
