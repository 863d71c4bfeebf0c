"""Models of what is heard, one module for each sensation, held to the standards' own test signals."""
