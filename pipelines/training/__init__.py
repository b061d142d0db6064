"""The parts of a training run: examples, judging, leaks, pictures, choosing."""
