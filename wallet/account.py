"""An account: a canonical public descriptor from which scripts and addresses are derived."""

from __future__ import annotations

from bdkpython import Descriptor, DescriptorError, DescriptorType

from bitcache.errors import InvalidDescriptor
from wallet.networks import facts

LAST_INDEX = 2**31 - 1
SCRIPT_TYPES = {
    DescriptorType.WPKH: "wpkh",
    DescriptorType.TR: "tr",
    DescriptorType.SH_WPKH: "sh(wpkh)",
    DescriptorType.WSH: "wsh",
    DescriptorType.WSH_SORTED_MULTI: "wsh",
}


class Account:
    """Derives what is paid to.  ``text`` is the canonical descriptor, with its checksum."""

    def __init__(self, descriptor: str, network: str) -> None:
        """``descriptor`` as :func:`wallet.descriptors.read` made it; raise InvalidDescriptor."""
        self._facts = facts(network)
        self._descriptor = receiving_branch(descriptor, network)
        self.network = network
        self.text = str(self._descriptor)
        self.script_type = SCRIPT_TYPES[self._descriptor.desc_type()]

    def __repr__(self) -> str:
        return f"Account({self.script_type} on {self.network})"

    def script(self, index: int) -> bytes:
        """Return the output script of the ``index``-th address."""
        return self.derive(index)[0]

    def address(self, index: int) -> str:
        """Return the ``index``-th address."""
        return self.derive(index)[1]

    def derive(self, index: int) -> tuple[bytes, str]:
        """Return output script and address number ``index``, in one derivation."""
        if not 0 <= index <= LAST_INDEX:
            raise InvalidDescriptor("this descriptor has no such address")
        address = self._descriptor.derive_address(index, self._facts.bdk)
        return address.script_pubkey().to_bytes(), str(address)


def receiving_branch(text: str, network: str) -> Descriptor:
    """Return it parsed by the Bitcoin Dev Kit, which checks the checksums of descriptor and key.

    Of ``<0;1>`` the first.
    """
    try:
        descriptor = Descriptor(text, facts(network).kind)
        return descriptor.to_single_descriptors()[0] if descriptor.is_multipath() else descriptor
    except DescriptorError.InvalidDescriptorChecksum:  # type: ignore[attr-defined]  # put there at import
        raise InvalidDescriptor(
            "the checksum after # does not fit: a character was lost or changed", reason="checksum"
        ) from None
    except DescriptorError:
        raise InvalidDescriptor("the descriptor or its key is mistyped or incomplete", reason="mistyped") from None
