"""What a seller pasted, read into an :class:`~wallet.account.Account`.

Read are ``wpkh(KEY)``, ``tr(KEY)``, ``sh(wpkh(KEY))`` and ``wsh(sortedmulti(K, KEY, …))`` or ``wsh(multi(…))``
with public extended keys, their origins if wanted, and a range (``/0/*``, or ``/<0;1>/*``, whose first branch
receives), and bare extended keys of an account: xpub and tpub with a script type beside them, zpub, ypub, vpub and
upub (SLIP-132), which imply theirs, and what wallets export around these (:mod:`wallet.wallet_exports`).  Everything
else is refused with the reason, which never quotes what was pasted; ``details["reason"]`` is what pages have words for.
"""

from __future__ import annotations

import re

from bitcache.errors import InvalidDescriptor
from wallet.account import Account
from wallet.extended_keys import kind_of, plain
from wallet.refuse_private_keys import BASE58, refuse_secrets
from wallet.wallet_exports import payable_texts

LONGEST = 4_000  #: characters of one descriptor: fifteen keys with their origins
LONGEST_EXPORT = 16_384
ACCOUNT_DEPTH = 3
MOST_KEYS = 15
#: Address types that one key can have; ``wsh`` needs a descriptor, which says so itself.
TYPES = ("wpkh", "tr", "sh(wpkh)")

KEY = re.compile(rf"(?P<origin>\[[^\]]*\])?(?P<key>[a-zA-Z]pub[{BASE58}]+)(?P<path>(?:/[^/,()#]+)*)")
ADDRESS = re.compile(rf"(?:bc1|tb1|bcrt1)[02-9ac-hj-np-z]{{20,}}|[123mn][{BASE58}]{{24,39}}", re.IGNORECASE)
FUNCTION = re.compile(r"(?P<name>sh\(wpkh|[a-z_]+)\((?P<inside>.*?)\)*(?:#\w*)?")
MULTISIG = re.compile(r"(?:sortedmulti|multi)\(\d{1,2},(?P<keys>[^()]+)")


def read(text: str, network: str, script_type: str | None = None) -> Account:
    """Return the account a seller means; raise InvalidDescriptor, PrivateKeyRefused, WrongNetwork."""
    text = text.strip()
    refuse_secrets(text)
    if script_type is not None and script_type not in TYPES:
        raise InvalidDescriptor(f"the script type must be one of {', '.join(TYPES)}", hint="Of a shell: sh-wpkh.")
    texts = payable_texts(text) if len(text) <= LONGEST_EXPORT else [text]
    if len(texts) == 1:
        return _read_one(texts[0], network, script_type)
    return _only(_read_each(texts, network, script_type))


def _read_each(texts: list[str], network: str, script_type: str | None) -> list[Account]:
    """Return what can be used of an export, each account once.

    Raise what was wrong with the first where nothing can.
    """
    accounts: dict[str, Account] = {}
    errors: list[InvalidDescriptor] = []
    for text in texts:
        try:
            account = _read_one(text, network, script_type)
            accounts.setdefault(account.text, account)
        except InvalidDescriptor as error:
            errors.append(error)
    if not accounts:
        raise errors[0] from None
    return list(accounts.values())


def _only(accounts: list[Account]) -> Account:
    """Raise InvalidDescriptor where the seller must choose."""
    if len(accounts) == 1:
        return accounts[0]
    types = [account.script_type for account in accounts]
    if len(set(types)) == len(types):
        raise InvalidDescriptor(
            f"this holds accounts of several address types: {', '.join(types)}",
            hint="Choose the address type that you want to be paid to, or give one of the descriptors alone.",
            reason="script_type_needed",
            script_types=[name for name in types if name in TYPES],
        )
    raise InvalidDescriptor(
        "this holds several accounts", hint="Give the descriptor of one of them.", reason="several_accounts"
    )


def _read_one(text: str, network: str, script_type: str | None) -> Account:
    if len(text) <= LONGEST and text.isascii():
        if key := KEY.fullmatch(text):
            return _of_bare_key(key, network, script_type)
        if function := FUNCTION.fullmatch(text):
            return _of_descriptor(text, function, network, script_type)
        if ADDRESS.fullmatch(text):
            raise InvalidDescriptor("this is one address, and every sale needs its own", reason="one_address")
    raise InvalidDescriptor("this is no descriptor and no extended public key", reason="no_descriptor")


def _of_descriptor(text: str, function: re.Match[str], network: str, script_type: str | None) -> Account:
    name = "sh(wpkh)" if function["name"] == "sh(wpkh" else function["name"]
    keys = _keys_of(name, function["inside"])
    if script_type not in (None, name):
        raise InvalidDescriptor(
            f"the descriptor says {name}, the script type beside it {script_type}", reason="script_type_conflict"
        )
    for text_of_key in keys:
        key = KEY.fullmatch(text_of_key)
        if not key:
            raise _why_no_key(text_of_key)
        if kind_of(key["key"], network).script_type:
            raise InvalidDescriptor(
                "inside a descriptor the key is an xpub or tpub; or give the bare key alone", reason="slip132_inside"
            )
        _check_path(key["path"])
    return Account(text, network)


def _of_bare_key(match: re.Match[str], network: str, script_type: str | None) -> Account:
    """Return an account's key: its branch 0 receives, unless a path says otherwise."""
    implied = kind_of(match["key"], network).script_type
    chosen = _choose(script_type, implied)
    key, depth = plain(match["key"], network)
    if match["path"]:
        _check_path(match["path"])
    else:
        _check_depth(depth)
    inside = f"{match['origin'] or ''}{key}{match['path'] or '/0/*'}"
    return Account("sh(wpkh(" + inside + "))" if chosen == "sh(wpkh)" else f"{chosen}({inside})", network)


def _choose(asked: str | None, implied: str | None) -> str:
    """Return the script type: asked for, or implied by the key, and never in conflict."""
    if asked and implied and asked != implied:
        raise InvalidDescriptor(f"this kind of key is for {implied}, not for {asked}", reason="script_type_conflict")
    if chosen := asked or implied:
        return chosen
    raise InvalidDescriptor(
        "an extended key alone does not say which addresses to make",
        hint="Choose the script type: wpkh (bc1q…), tr (bc1p…) or sh(wpkh) (3…), whichever your wallet shows"
        " (bitcache init --script-type).",
        reason="script_type_needed",
        script_types=list(TYPES),
    )


def _keys_of(name: str, inside: str) -> list[str]:
    """Return the keys in a descriptor that can be used; raise InvalidDescriptor for all others."""
    if name == "wsh":
        return _keys_of_multisig(inside)
    if "multi" in name or "multi" in inside:
        raise InvalidDescriptor(
            "of multisig descriptors only wsh(sortedmulti(…)) and wsh(multi(…)) are supported",
            hint="Make a wallet with native SegWit addresses (bc1q…).",
            reason="multisig_kind",
        )
    if name not in TYPES:
        raise InvalidDescriptor(f"only {', '.join(TYPES)} and wsh(sortedmulti(…)) are supported", reason="unsupported")
    if "," in inside:
        raise InvalidDescriptor(
            "script paths are not supported", hint="Use a wallet with a single key.", reason="scripts"
        )
    return [inside]


def _keys_of_multisig(inside: str) -> list[str]:
    match = MULTISIG.fullmatch(inside)
    keys = match["keys"].split(",") if match else []
    if not keys or len(keys) > MOST_KEYS:
        raise InvalidDescriptor(
            f"inside wsh there must be sortedmulti(…) or multi(…) with at most {MOST_KEYS} keys",
            hint="Use a wallet with a single key, or a plain multisig wallet.",
            reason="scripts",
        )
    return keys


def _check_path(path: str) -> None:
    steps = path.split("/")[1:]
    if any("h" in step or "H" in step or "'" in step for step in steps):
        raise InvalidDescriptor(
            "a hardened step (h or ') after a public key cannot be derived",
            hint="Export the extended public key of the account, after its hardened steps.",
            reason="hardened",
        )
    if not steps or steps[-1] != "*":
        raise InvalidDescriptor(
            "without /* at its end this is one fixed address, and every sale needs its own",
            hint="End the key with /0/*, for example wpkh(xpub…/0/*).",
            reason="fixed_address",
        )


def _check_depth(depth: int) -> None:
    """Refuse a key below the account level: it would receive where its wallet does not look."""
    if depth > ACCOUNT_DEPTH:
        raise InvalidDescriptor(
            "this extended key lies below the account level, so it is unclear where its addresses start",
            hint="Export the account's key, or write the descriptor out, for example wpkh(xpub…/*).",
            reason="below_account",
        )


def _why_no_key(inside: str) -> InvalidDescriptor:
    if re.fullmatch(r"(\[[^\]]*\])?[0-9a-fA-F]{64,130}", inside):
        return InvalidDescriptor(
            "a single public key is one fixed address, and every sale needs its own", reason="fixed_address"
        )
    return InvalidDescriptor(
        "there must be one extended public key (xpub or tpub) inside the descriptor", reason="mistyped"
    )
