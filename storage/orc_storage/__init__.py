"""The lowest floor: SQLite and files. It knows no tmux, no agent and no screen."""
