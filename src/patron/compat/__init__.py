"""Other packages' names on Patron's engine, for programs written against them; nothing in Patron imports it."""
