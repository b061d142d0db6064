"""Every side effect: reading, writing, scheduling, tracking and the command line."""
