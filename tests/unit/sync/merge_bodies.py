"""Bodies for property tests, and how many of them each law is tried on."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st

from orc_storage.records import Body

EXAMPLES = int(os.environ.get("ORC_EXAMPLES", "2000"))
"""Examples per law; nightly runs set it to 20,000 and more."""

LIMIT_S = 30 + EXAMPLES * 0.05
"""What a law may take on a busy machine; an idle one needs a tenth of it."""

laws = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

words = st.sampled_from(["a", "b", "c", "d"])
atoms = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, 2, 1.0, 0.5])
    | st.sampled_from(["", "x", "y", "one\ntwo\nthree", "one\n2\nthree", "zero\none\ntwo\nthree"])
)
texts = st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=8).map("\n".join)
"""Texts of short lines, so that lines repeat and edits meet."""

steps = st.lists(
    st.fixed_dictionaries({"id": words}, optional={"done": st.booleans(), "text": atoms}),
    max_size=4,
    unique_by=lambda step: str(step["id"]),
)
values = st.recursive(
    atoms | st.lists(atoms, max_size=3),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
bodies: st.SearchStrategy[Body] = st.fixed_dictionaries(
    {"id": st.just("T-1")},
    optional={
        "title": atoms,
        "text": texts | atoms,
        "meta": values,
        "a.b": atoms,
        "": atoms,
        "labels": st.lists(words, max_size=4),
        "needs": st.lists(words, max_size=4),
        "steps": steps,
    },
)
