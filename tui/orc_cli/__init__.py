"""The `orc` command: everything an operator can do, from a shell or a script."""
