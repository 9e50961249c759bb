"""The life of agents: started, stopped, watched over, found again."""
