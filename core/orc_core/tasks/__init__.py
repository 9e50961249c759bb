"""Tasks: the machine of their states, the graph of what waits for what, and the desk."""
