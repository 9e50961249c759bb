"""Keeping the layers of a workspace in step: merge, conflicts, and the loop that drives them."""
