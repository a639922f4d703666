"""The command line's commands, one file a subject."""
