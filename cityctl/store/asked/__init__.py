"""What people ask of a store: `data status | gaps | history | export | sql | repairs`."""
