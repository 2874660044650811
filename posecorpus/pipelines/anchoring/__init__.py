"""Anchor poses from corpora or motions."""
