"""The benchmark: what a monitoring cycle costs, beside the floor of the same run.

Invariant: everything runs on a private tmux server in a folder of its own, made for the run and
removed with it, however the run ends. No other server is ever spoken to.
"""
