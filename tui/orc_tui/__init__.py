"""The dashboard: what the core knows, drawn on one terminal."""
