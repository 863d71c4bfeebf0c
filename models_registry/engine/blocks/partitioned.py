"""Long convolutions in short blocks: partitions of the response wait as spectra, whatever the block size.

Conventions: signals are (rows, frames). Where less than a whole partition of input comes, the first partition of the
response is convolved as the samples come, and what all later ones add is known when the partition begins. No gradients.
W. G. Gardner, Efficient Convolution without Input-Output Delay, J. Audio Eng. Soc. 43(3), 1995, with equal partitions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models_registry.engine.blocks.convolution import valid

PARTITION = 4_096


class Stream:
    """One convolution as it goes on, itself its state: `advance` takes the next samples and returns as many."""

    def __init__(self, impulse: Tensor, rows: int) -> None:
        count = -(-impulse.shape[0] // PARTITION)
        padded = torch.nn.functional.pad(impulse, (0, count * PARTITION - impulse.shape[0]))
        self.head = padded[:PARTITION]
        self.parts = torch.fft.rfft(padded.reshape(count, PARTITION), n=2 * PARTITION)
        # the partition of the input before, and the one that is coming in
        self.heard = impulse.new_zeros(rows, 2 * PARTITION)
        self.spectra = self.parts.new_zeros(rows, count, PARTITION + 1)
        self.coming = impulse.new_zeros(rows, PARTITION)
        self.place = 0

    def advance(self, signal: Tensor) -> Tensor:
        pieces, done = [], 0
        while done < signal.shape[1]:
            count = min(PARTITION - self.place, signal.shape[1] - done)
            begin = PARTITION + self.place
            self.heard[:, begin : begin + count] = signal[:, done : done + count]
            if count == PARTITION:
                self._turn()
                pieces.append(self._sum(self.spectra, self.parts))
            else:
                if self.place == 0:
                    self.coming = self._sum(self.spectra[:, :-1], self.parts[1:])
                head = valid(self.heard[:, self.place + 1 : begin + count], self.head)
                pieces.append(head + self.coming[:, self.place : self.place + count])
                self.place += count
                if self.place == PARTITION:
                    self._turn()
            done += count
        return torch.cat(pieces, dim=1)

    @staticmethod
    def _sum(spectra: Tensor, parts: Tensor) -> Tensor:
        """A partition of the output from the spectra of the input and of the response."""
        total = torch.einsum("rpf,pf->rf", spectra, parts)
        return torch.fft.irfft(total, n=2 * PARTITION)[:, PARTITION:]

    def _turn(self) -> None:
        """The partition of the input is complete."""
        self.spectra = self.spectra.roll(1, dims=1)
        self.spectra[:, 0] = torch.fft.rfft(self.heard)
        later = torch.zeros_like(self.coming)
        self.heard = torch.cat([self.heard[:, PARTITION:], later], dim=1)
        self.place = 0
