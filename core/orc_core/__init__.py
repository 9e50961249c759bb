"""The async core: it watches, merges, answers and rolls back, and has no screen."""
