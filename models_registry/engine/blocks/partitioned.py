"""Long convolutions in short blocks: partitions of the response wait as spectra, whatever the block size.

Conventions: signals are (rows, frames). Where less than a whole partition of input comes, the first partition of the
response is convolved as the samples come, and what all later ones add is known when the partition begins. No gradients.
W. G. Gardner, Efficient Convolution without Input-Output Delay, J. Audio Eng. Soc. 43(3), 1995, with equal partitions.
"""

from __future__ import annotations

import torch
from scipy.fft import irfft, rfft
from torch import Tensor

from models_registry.engine.blocks.convolution import valid

PARTITION = 4_096


class Stream:
    """One convolution as it goes on, itself its state: `advance` takes the next samples and returns as many."""

    def __init__(self, impulse: Tensor, rows: int) -> None:
        self.count = -(-impulse.shape[0] // PARTITION)
        padded = torch.nn.functional.pad(impulse, (0, self.count * PARTITION - impulse.shape[0]))
        self.head = padded[:PARTITION]
        self.parts = torch.fft.rfft(padded.reshape(self.count, PARTITION), n=2 * PARTITION)
        # the partition of the input before, and the one that is coming in
        self.heard = impulse.new_zeros(rows, 2 * PARTITION)
        # the input's spectra, the newest at `newest`, each twice, so that all lie in one piece from there
        self.spectra = self.parts.new_zeros(rows, 2 * self.count, PARTITION + 1)
        self.newest = 0
        self.products = self.parts.new_empty(rows, self.count, PARTITION + 1)
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
                pieces.append(self._sum(self.count))
            else:
                if self.place == 0:
                    self.coming = self._sum(self.count - 1)
                head = valid(self.heard[:, self.place + 1 : begin + count], self.head)
                pieces.append(head + self.coming[:, self.place : self.place + count])
                self.place += count
                if self.place == PARTITION:
                    self._turn()
            done += count
        return torch.cat(pieces, dim=1)

    def _sum(self, parts: int) -> Tensor:
        """A partition of the output from the newest spectra of the input and the last `parts` of the response."""
        products = self.products[:, :parts]
        spectra = self.spectra[:, self.newest : self.newest + parts]
        torch.mul(spectra, self.parts[self.count - parts :], out=products)
        # scipy's transforms, since those of torch cost three times as much at this length
        added = irfft(products.sum(1).numpy(), n=2 * PARTITION)
        return torch.from_numpy(added[:, PARTITION:])

    def _turn(self) -> None:
        """The partition of the input is complete."""
        self.newest = (self.newest - 1) % self.count
        spectrum = torch.from_numpy(rfft(self.heard.numpy()))
        self.spectra[:, self.newest] = self.spectra[:, self.newest + self.count] = spectrum
        self.heard[:, :PARTITION] = self.heard[:, PARTITION:].clone()
        self.heard[:, PARTITION:] = 0
        self.place = 0
