"""Why one customer has the score of a published night, and what would change it."""
