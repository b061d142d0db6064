"""What the lists bring in a simulated company whose truth is known, against other lists."""
