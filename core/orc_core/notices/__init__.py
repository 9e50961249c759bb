"""Telling an operator who looks elsewhere that agents need them."""
