"""Metrics that other people's trained models and native code compute, one module for each extra of this distribution.

The catalogue loads a module only where the libraries are installed that it imports.
"""
