"""The doubts of a careful reader."""
