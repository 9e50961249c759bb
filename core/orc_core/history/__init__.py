"""Going back: revisions, differences, reverts, and each actor's list of acts to undo."""
