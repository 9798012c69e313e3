"""From the score table to where people work: what would change, what was sent, and how to take it back."""
