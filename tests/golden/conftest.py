"""The scripts that made the reference values need packages that the tests do not."""

collect_ignore_glob = ["make_*.py"]
