"""Hooks: what coding agents say of themselves, spooled by a few lines of `sh` and read here.

Invariant: a hook is only ever added to an agent's settings because a person asked for it, and
what it spools is untrusted.
"""
