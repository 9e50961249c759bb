"""What a person puts off until a time: a line to an agent, or to hear of one."""
