"""What agents do to the code: their work trees, checkpoints of them, overlap and conflicts."""
