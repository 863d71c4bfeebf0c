"""The blocks a chain is made of, one file per family; importing the package registers them."""

from models_registry.engine.blocks.base import (
    BLOCKS,
    BandBlock,
    Block,
    LinearBlock,
    ReactingBlock,
    RoomBlock,
    Settled,
    ShapingBlock,
    SoundBlock,
    register,
)
from models_registry.engine.blocks.biquad import Biquad, Crossover
from models_registry.engine.blocks.clipper import Clipper, Settling
from models_registry.engine.blocks.delay import Delay, Echo
from models_registry.engine.blocks.denoising import SpectralGate, Wiener
from models_registry.engine.blocks.diodes import DiodePair
from models_registry.engine.blocks.dynamics import Compressor, Expander, Limiter
from models_registry.engine.blocks.early import EarlyReflections
from models_registry.engine.blocks.emphasis import Emphasis
from models_registry.engine.blocks.equaliser import Equaliser
from models_registry.engine.blocks.filterbank import FilterBank
from models_registry.engine.blocks.fir import Fir, GraphicEqualiser, SampledFir
from models_registry.engine.blocks.gain import Gain
from models_registry.engine.blocks.harmonic import HarmonicFilter
from models_registry.engine.blocks.hearing import EarWeighting, Gammatone
from models_registry.engine.blocks.measured import MeasuredRoom
from models_registry.engine.blocks.modulated import Chorus
from models_registry.engine.blocks.multiband import MultibandCompressor, TransientShaper
from models_registry.engine.blocks.network import FeedbackNetwork
from models_registry.engine.blocks.noise import FilteredNoise
from models_registry.engine.blocks.pitch_filter import PitchFilter
from models_registry.engine.blocks.reduction import Quantiser, SampleHold
from models_registry.engine.blocks.reverb import Reverb
from models_registry.engine.blocks.shapers import (
    AsymmetricClipper,
    Polynomial,
    Rising,
    WienerHammerstein,
)
from models_registry.engine.blocks.spectral import (
    DeepFilter,
    FramedBlock,
    SpectralGains,
)
from models_registry.engine.blocks.steering import LoudnessSteering
from models_registry.engine.blocks.stereo import Stereo
from models_registry.engine.blocks.strings import PluckedString
from models_registry.engine.blocks.synthesis import Exciter, Harmonics, Wavetable
from models_registry.engine.blocks.variable import VariableFilter
from models_registry.engine.blocks.waveshaper import Waveshaper

__all__ = [
    "AsymmetricClipper",
    "BLOCKS",
    "BandBlock",
    "Biquad",
    "Block",
    "Chorus",
    "Clipper",
    "Compressor",
    "Crossover",
    "DeepFilter",
    "Delay",
    "DiodePair",
    "EarWeighting",
    "EarlyReflections",
    "Echo",
    "Emphasis",
    "Equaliser",
    "Exciter",
    "Expander",
    "FeedbackNetwork",
    "FramedBlock",
    "FilterBank",
    "FilteredNoise",
    "Fir",
    "Gain",
    "Gammatone",
    "GraphicEqualiser",
    "HarmonicFilter",
    "Harmonics",
    "Limiter",
    "LinearBlock",
    "LoudnessSteering",
    "MeasuredRoom",
    "MultibandCompressor",
    "PitchFilter",
    "PluckedString",
    "Polynomial",
    "Quantiser",
    "ReactingBlock",
    "Reverb",
    "Rising",
    "RoomBlock",
    "SampleHold",
    "SampledFir",
    "Settled",
    "Settling",
    "ShapingBlock",
    "SoundBlock",
    "SpectralGains",
    "SpectralGate",
    "Stereo",
    "TransientShaper",
    "VariableFilter",
    "Waveshaper",
    "Wavetable",
    "Wiener",
    "WienerHammerstein",
    "register",
]
