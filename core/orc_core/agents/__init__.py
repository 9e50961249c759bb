"""Agents as they are: what their panes, processes, files and screens say of their state.

Invariant: observing changes nothing, and a state is never shown without its evidence.
"""
