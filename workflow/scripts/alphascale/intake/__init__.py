"""Other tools' runs as rows: `alphascale import`."""
