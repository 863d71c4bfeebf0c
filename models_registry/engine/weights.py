"""Weights as files: safetensors, marked with the hash of the specification whose weights they are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models_registry.engine.contract import EngineError

if TYPE_CHECKING:
    from models_registry.engine.chain import Chain


def save(chain: Chain, path: str | Path) -> None:
    """Write the weights of `chain`, marked with its specification's hash."""
    tensors = {name: tensor.contiguous() for name, tensor in chain.state_dict().items()}
    save_file(tensors, str(path), metadata={"spec_hash": chain.spec_hash})


def load(chain: Chain, path: str | Path) -> None:
    """Give `chain` the weights in `path`; raises `EngineError` if they belong to another specification."""
    try:
        with safe_open(str(path), framework="pt") as file:
            owner = (file.metadata() or {}).get("spec_hash", "none")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise EngineError(
            f"{path}: expected a safetensors file of weights, found none that can be read"
        ) from error
    if owner != chain.spec_hash:
        raise EngineError(
            f"{path}: expected weights of specification {chain.spec_hash[:12]}, found those of {owner[:12]}"
        )
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise EngineError(f"{path}: expected finite weights, found NaN or infinite ones")
    try:
        chain.load_state_dict(tensors)
    except RuntimeError as error:
        raise EngineError(
            f"{path}: expected the weights of this chain, found others under its specification's hash"
        ) from error


def weights_hash(path: str | Path) -> str:
    """SHA-256 (hex) of a weights file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
