"""The subcommands of measure.py: each module has a title (its docstring), ``add_options`` and ``run``."""
