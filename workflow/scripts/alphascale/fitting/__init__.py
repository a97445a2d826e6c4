"""The law engine on a study's records."""
