"""A first configuration, drafted by looking at a folder of files."""
