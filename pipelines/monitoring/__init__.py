"""What a monitoring run looks at: past publications, tonight's inputs, and the sources."""
