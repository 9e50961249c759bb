"""The scripted agents of the demo: terminal programs that look and behave like the real ones.

Invariant: they use the standard library alone, sleep until a key or the next step of their
story is due, and know nothing of orc but the words of their scenes.
"""
