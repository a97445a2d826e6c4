"""What passes between the stages, with types: one module a kind of file."""
