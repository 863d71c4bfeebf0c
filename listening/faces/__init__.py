"""The faces of studies, one file for each kind: its form, its figures, its text, and the declaration of all three."""
