"""The law engine on a user's own CSV files: the commands, and fits in words."""
