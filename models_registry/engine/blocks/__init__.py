"""The blocks a chain is made of, one file per family; importing the package registers them."""

from models_registry.engine.blocks.base import BLOCKS, Block, LinearBlock, ShapingBlock, register
from models_registry.engine.blocks.equaliser import Equaliser
from models_registry.engine.blocks.gain import Gain
from models_registry.engine.blocks.waveshaper import Waveshaper

__all__ = [
    "BLOCKS",
    "Block",
    "Equaliser",
    "Gain",
    "LinearBlock",
    "ShapingBlock",
    "Waveshaper",
    "register",
]
