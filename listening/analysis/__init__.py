"""The evidence room: pure functions from tidy frames of ratings and scores to tables and results.

`frames` defines the two shapes everything else takes, `report` joins the parts (`analyse`, `correlate`).
"""
