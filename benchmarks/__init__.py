"""Every claim about speed or accuracy, as a command that measures it against a peer in the same run."""
