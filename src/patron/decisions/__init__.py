"""Segments, the profit of a contact, whom to contact, and what a campaign brought."""
