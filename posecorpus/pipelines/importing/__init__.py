"""Importing: 2D annotations and their photos become a corpus."""
