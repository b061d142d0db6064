"""The lists people receive, and the manifest that vouches for them."""
