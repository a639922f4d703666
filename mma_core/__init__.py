"""MMA Explorer: what compression does to a multilingual named-entity tagger on CPU."""

from . import steps as steps
