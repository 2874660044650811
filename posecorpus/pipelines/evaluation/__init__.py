"""Evaluation: how well lifting finds known poses again, as a table and a page."""
