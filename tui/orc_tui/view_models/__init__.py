"""Pure functions from a snapshot to rows of text; no widget, no clock, no core."""
