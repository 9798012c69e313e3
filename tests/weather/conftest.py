"""What breaks runs: scripts that are no tests."""

collect_ignore = ["killed.py"]
