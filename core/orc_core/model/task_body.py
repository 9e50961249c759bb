"""The body of a task, checked as it comes in from people, files and other tools.

Invariant: this is the border; past it a body is known to be valid. It stands apart from the
view so that drawing a screen does not build validators first.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orc_core.model.task import LABEL_MAX, LIST_MAX, PRIORITY_MAX, TEXT_MAX, TITLE_MAX
from orc_storage.documents import ID_PATTERN

Id = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN.pattern}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=LABEL_MAX)]


class TaskBody(BaseModel):
    """The body of a task document, as it stands in the store and in its file.

    Unknown fields are kept: another tool may have put them there.
    """

    model_config = ConfigDict(extra="allow", strict=True)

    id: Id
    title: Annotated[str, StringConstraints(min_length=1, max_length=TITLE_MAX)]
    text: Annotated[str, StringConstraints(max_length=TEXT_MAX)] = ""
    status: Annotated[str, Field(pattern="^(ready|running|done|failed|cancelled)$")] = "ready"
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = 5
    needs: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    labels: Annotated[list[Label], Field(max_length=LIST_MAX)] = []
    depends_on: Annotated[list[Id], Field(max_length=LIST_MAX)] = []
    assignee: Annotated[str, StringConstraints(max_length=120)] = ""
    due: Annotated[str, StringConstraints(max_length=40)] = ""
