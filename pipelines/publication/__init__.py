"""Publication of a night: files in every layout, manifest, atomic swap, reader."""
