"""Evaluation, as tables and pages: how well lifting finds known poses again, and detectors the people of pictures."""
