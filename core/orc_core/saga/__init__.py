"""Workflows: steps that do, each with a step that undoes, carried through whatever happens."""
