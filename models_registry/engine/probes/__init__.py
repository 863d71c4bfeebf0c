"""Synthetic probes with known truth: what goes in is known to the last sample, so that what comes out says what the
model did. Kinds of probe (kinds.py and its neighbours) are put together to suites (suite.py), which are data."""
