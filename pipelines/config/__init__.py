"""Configuration schema: pydantic sections, and the checks that their types cannot make."""
