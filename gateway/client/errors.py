"""The errors of the client, apart from what raises them: a command that fails early needs their names and no more."""

from __future__ import annotations

from bitcache.errors import BadInput, BitcacheError, StorageError


class GatewayUnreachable(BitcacheError):
    """The gateway does not answer."""

    code = "gateway_unreachable"
    hint = "Check the address and your connection, then run the same command again: it goes on where it stopped."


class GatewayConfused(BitcacheError):
    """The gateway answered with something that Bitcache does not understand."""

    code = "gateway_confused"
    hint = "Is this the address of a Bitcache gateway, and of its whole site?"


class BodyRefused(GatewayConfused):
    """Something before the gateway takes no body of this size."""

    code = "body_refused"
    hint = (
        "Whoever runs the gateway raises the limit of its proxy: client_max_body_size 16m; in nginx, "
        "request_body { max_size 16MB } in Caddy."
    )


class NotEncrypted(BadInput):
    """Others could read on the way what would be sent."""

    code = "not_encrypted"
    hint = (
        "Use the gateway's https:// address. If nobody else can read this network (a VPN, a cable of your own), "
        "say so: --insecure-http"
    )


class DishonestGateway(BitcacheError):
    """The gateway asks for something other than what the seller signed, or changed what it asked for."""

    code = "gateway_dishonest"
    hint = "Send nothing, and tell the seller. If you paid already: your claim is kept on this machine."


class PaidInPart(BitcacheError):
    """Only a part was received for the purchase of an access link, which somebody else may hold, too."""

    code = "paid_in_part"
    hint = (
        "To pay the rest, run the command again with --pay-rest: the file then opens for everyone who holds this link. "
        "For a purchase of your own leave out the link's end, from the full stop after the # on."
    )


class OverBudget(BitcacheError):
    """The file costs more than the wallet may be asked to pay; nothing was paid."""

    code = "over_budget"
    hint = "Raise --max-sat if you want it at this price."


class NoLightning(BitcacheError):
    """There is no Lightning invoice that a wallet could pay; nothing was paid."""

    code = "no_lightning"
    hint = "Leave --wallet out and pay on-chain, or try again when the seller's wallet is back."


class PaymentUnknown(BitcacheError):
    """An earlier payment for this file may still be on its way; no other one was made."""

    code = "payment_unknown"
    hint = (
        "Look for it in your wallet. If it was not sent, pay without --wallet; if it was, run the command again later."
    )


class NotPaidInTime(BitcacheError):
    """The payment did not come in time."""

    code = "not_paid_in_time"
    hint = "Run the same command again to go on. A payment that arrives late still counts: nothing is lost."


class SourceChanged(StorageError):
    """The file changed while it was being sealed."""

    code = "source_changed"
    hint = "Nothing was listed. Wait until nothing writes to the file, then run the command again."


class SourceUnreadable(StorageError):
    """The disk, or whatever holds the file, failed while it was being sealed."""

    code = "source_unreadable"
    hint = "Nothing was listed. Copy the file to another disk, and sell the copy."


class NotAFile(BadInput):
    """A pipe, a socket or a device: nothing that can be read again at any offset."""

    code = "not_a_file"
    hint = "Write it to an ordinary file first, and sell that; or send it to: bitcache sell - --name NAME"


class TargetExists(StorageError):
    """There is a file of that name already."""

    code = "target_exists"
    hint = "Choose another name with -o, or say --force to replace it."


class EmptyFile(BadInput):
    """There is nothing in the file or folder, so nothing to sell."""

    code = "empty_file"
    hint = "Look whether it is the right file, and whether it was written to its end."


class SizeUnknown(BadInput):
    """The file does not hold as many bytes as its size says (in /proc, some FUSE and cloud folders)."""

    code = "size_unknown"
    hint = "Copy it to an ordinary disk first, and sell the copy."
