"""The nouns of the core: agents, tasks, health, and the snapshot that screens are drawn from."""
