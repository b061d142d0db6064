"""Two logged runs side by side: what differs, and a page of it."""
