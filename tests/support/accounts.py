"""Public keys for tests.  Anyone can make their private keys: never send them money."""

from __future__ import annotations

import secrets

from bdkpython import DescriptorSecretKey, Mnemonic, NetworkKind, WordCount

from wallet.account import Account

TPUB = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
#: BIP84's test vectors: the account of "abandon … about"
BIP84_ZPUB = (
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs"
)
#: BIP86's test vectors: the account of "abandon … about"
BIP86_XPUB = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"
)
#: BIP49's test vectors: the account of "abandon … about", on testnet
BIP49_UPUB = (
    "upub5EFU65HtV5TeiSHmZZm7FUffBGy8UKeqp7vw43jYbvZPpoVsgU93oac7Wk3u6moKegAEWtGNF8DehrnHtv21XXEMYRUocHqguyjknFHYfgY"
)
#: a key at depth 4, below the account
BIP84_BRANCH_XPUB = (
    "xpub6ELHKXNimKbxMCytPh7EdC2QXx46T9qLDJWGnTraz1H9kMMFdcduoU69wh9cxP12wDxqAAfbaESWGYt5rREsX1J8iR2TEunvzvddduAPYcY"
)


def descriptor(script_type: str, key: str = f"{TPUB}/0/*") -> str:
    """A descriptor without checksum."""
    return f"sh(wpkh({key}))" if script_type == "sh(wpkh)" else f"{script_type}({key})"


def fresh_destinations(count: int, script_type: str = "wpkh") -> list[tuple[bytes, str]]:
    """Scripts and regtest addresses that no other test uses."""
    account = Account(descriptor(script_type), "regtest")
    first = secrets.randbelow(2**31 - count)
    return [account.derive(first + number) for number in range(count)]


def fresh_account(script_type: str = "wpkh") -> Account:
    """A regtest account whose addresses, from the first on, no other test uses."""
    key = DescriptorSecretKey(NetworkKind.TEST, Mnemonic(WordCount.WORDS12), None).as_public()
    return Account(descriptor(script_type, str(key).removesuffix("/*") + "/0/*"), "regtest")
