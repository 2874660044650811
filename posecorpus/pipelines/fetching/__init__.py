"""Fetching: downloads that can be resumed and are checked."""
