"""The one place that talks to tmux: asking, watching, reading screens, typing."""
