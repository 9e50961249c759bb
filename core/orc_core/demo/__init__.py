"""The demo: a private tmux server full of scripted agents, and a workspace to play with.

Invariant: nothing here is known to detection. The fleet is watched by the same rules as real
agents, and it leaves nothing behind however the dashboard ends.
"""
