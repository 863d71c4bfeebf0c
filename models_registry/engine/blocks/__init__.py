"""The blocks a chain is made of, one file per family; importing the package registers them."""

from models_registry.engine.blocks.base import BLOCKS, Block, LinearBlock, ShapingBlock, register
from models_registry.engine.blocks.biquad import Biquad, Crossover
from models_registry.engine.blocks.clipper import Clipper, Settling
from models_registry.engine.blocks.delay import Delay, Echo
from models_registry.engine.blocks.dynamics import Compressor, Expander, Limiter
from models_registry.engine.blocks.equaliser import Equaliser
from models_registry.engine.blocks.fir import Fir, GraphicEqualiser, SampledFir
from models_registry.engine.blocks.gain import Gain
from models_registry.engine.blocks.reverb import Reverb
from models_registry.engine.blocks.variable import VariableFilter
from models_registry.engine.blocks.waveshaper import Waveshaper

__all__ = [
    "BLOCKS",
    "Biquad",
    "Block",
    "Clipper",
    "Compressor",
    "Crossover",
    "Delay",
    "Echo",
    "Equaliser",
    "Expander",
    "Fir",
    "Gain",
    "GraphicEqualiser",
    "Limiter",
    "LinearBlock",
    "Reverb",
    "SampledFir",
    "Settling",
    "ShapingBlock",
    "VariableFilter",
    "Waveshaper",
    "register",
]
