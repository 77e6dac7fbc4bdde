"""What a seller typed in, read into an :class:`~wallet.account.Account`.

Read are ``wpkh(KEY)``, ``tr(KEY)`` and ``sh(wpkh(KEY))`` with one public extended key, its origin
if wanted, and a range (``/0/*``, or ``/<0;1>/*``, whose first branch receives), and bare extended
keys of an account: xpub and tpub with a script type beside them, zpub, ypub, vpub and upub
(SLIP-132), which imply theirs.  Everything else is refused with the reason, which never quotes
what was typed.
"""

from __future__ import annotations

import re

from bitcache.errors import InvalidDescriptor
from wallet.account import SCRIPT_TYPES, Account
from wallet.extended_keys import kind_of, plain
from wallet.secrets_refused import BASE58, refuse_secrets

LONGEST = 1_000
ACCOUNT_DEPTH = 3
TYPES = tuple(SCRIPT_TYPES.values())
SINGLE_KEY = "Use a wallet with a single key."

KEY = re.compile(rf"(?P<origin>\[[^\]]*\])?(?P<key>[a-zA-Z]pub[{BASE58}]+)(?P<path>(?:/[^/,()#]+)*)")
ADDRESS = re.compile(rf"(?:bc1|tb1|bcrt1)[02-9ac-hj-np-z]{{20,}}|[123mn][{BASE58}]{{24,39}}", re.IGNORECASE)
FUNCTION = re.compile(r"(?P<name>sh\(wpkh|[a-z_]+)\((?P<inside>.*?)\)*(?:#\w*)?")


def read(text: str, network: str, script_type: str | None = None) -> Account:
    """The account a seller means; raises InvalidDescriptor, PrivateKeyRefused, WrongNetwork."""
    text = text.strip()
    refuse_secrets(text)
    if script_type is not None and script_type not in TYPES:
        raise InvalidDescriptor(f"the script type must be one of {', '.join(TYPES)}")
    if len(text) <= LONGEST and text.isascii():
        if key := KEY.fullmatch(text):
            return _of_bare_key(key, network, script_type)
        if function := FUNCTION.fullmatch(text):
            return _of_descriptor(text, function, network, script_type)
        if ADDRESS.fullmatch(text):
            raise InvalidDescriptor("this is one address, and every sale needs its own")
    raise InvalidDescriptor("this is no descriptor and no extended public key")


def _of_descriptor(text: str, function: re.Match[str], network: str, script_type: str | None) -> Account:
    name = "sh(wpkh)" if function["name"] == "sh(wpkh" else function["name"]
    _check_function(name, function["inside"])
    if script_type not in (None, name):
        raise InvalidDescriptor(f"the descriptor says {name}, the script type beside it {script_type}")
    found = KEY.fullmatch(function["inside"])
    if not found:
        raise InvalidDescriptor(_why_no_key(function["inside"]))
    if kind_of(found["key"], network).script_type:
        raise InvalidDescriptor("inside a descriptor the key is an xpub or tpub; or give the bare key alone")
    _check_path(found["path"])
    return Account(text, network)


def _of_bare_key(found: re.Match[str], network: str, script_type: str | None) -> Account:
    """An account's key: its branch 0 receives, unless a path says otherwise."""
    implied = kind_of(found["key"], network).script_type
    chosen = _choose(script_type, implied)
    key, depth = plain(found["key"], network)
    if found["path"]:
        _check_path(found["path"])
    else:
        _check_depth(depth)
    inside = f"{found['origin'] or ''}{key}{found['path'] or '/0/*'}"
    return Account("sh(wpkh(" + inside + "))" if chosen == "sh(wpkh)" else f"{chosen}({inside})", network)


def _choose(asked: str | None, implied: str | None) -> str:
    """The script type: asked for, or implied by the key, and never in conflict."""
    if asked and implied and asked != implied:
        raise InvalidDescriptor(f"this kind of key is for {implied}, not for {asked}")
    if chosen := asked or implied:
        return chosen
    raise InvalidDescriptor(
        "an extended key alone does not say which addresses to make",
        hint="Choose the script type: wpkh (bc1q…), tr (bc1p…) or sh(wpkh) (3…), whichever your wallet shows.",
    )


def _check_function(name: str, inside: str) -> None:
    if "multi" in name or "multi" in inside:
        raise InvalidDescriptor("multisig descriptors are not supported", hint=SINGLE_KEY)
    if name not in TYPES:
        raise InvalidDescriptor(f"only {', '.join(TYPES)} are supported")
    if "," in inside:
        raise InvalidDescriptor("script paths are not supported", hint=SINGLE_KEY)


def _check_path(path: str) -> None:
    steps = path.split("/")[1:]
    if any("h" in step or "H" in step or "'" in step for step in steps):
        raise InvalidDescriptor(
            "a hardened step (h or ') after a public key cannot be derived",
            hint="Export the extended public key of the account, after its hardened steps.",
        )
    if not steps or steps[-1] != "*":
        raise InvalidDescriptor(
            "without /* at its end this is one fixed address, and every sale needs its own",
            hint="End the key with /0/*, for example wpkh(xpub…/0/*).",
        )


def _check_depth(depth: int) -> None:
    """A key below the account level would receive where its wallet does not look."""
    if depth > ACCOUNT_DEPTH:
        raise InvalidDescriptor(
            "this extended key lies below the account level, so it is unclear where its addresses start",
            hint="Export the account's key, or write the descriptor out, for example wpkh(xpub…/*).",
        )


def _why_no_key(inside: str) -> str:
    if re.fullmatch(r"(\[[^\]]*\])?[0-9a-fA-F]{64,130}", inside):
        return "a single public key is one fixed address, and every sale needs its own"
    return "there must be one extended public key (xpub or tpub) inside the descriptor"
