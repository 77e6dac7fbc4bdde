"""Sealing: how a file is closed by its seller and opened by its buyer, in the order of these modules.

=============  ==========================================================================================
``shares``     make A and B; derive K, K_meta and K_preview; the contexts; the share hash
``container``  seal the file under K as one stream: ``Sealer``; sizes; later ``Opener`` and ``open_range``
``groups``     hash the sealed bytes in groups as they pass: ``GroupHasher``, ``group_root``
``metadata``   seal title, name, type, size (``Metadata``) and the free sample (``Preview``) under A alone
``manifest``   write all of it down and sign it: ``Manifest(…).text()``, ``sign``
``link``       hand out ``Link(gateway, file_id, link_share).text()``
=============  ==========================================================================================

The gateway stores the sealed bytes, B, the manifest and its signature; it never sees A.  A buyer goes the
other way: ``parse_link``, ``manifest.verify``, ``open_metadata`` and a look that both name the same seller
key; ``GroupVerifier`` while downloading; after paying, ``shares.share_hash(B)`` against the manifest, then
``Opener``.  A file, end to end::

    file_id, salt = new_file_id(), shares.new_salt()
    link_share, gateway_share = shares.new_link_share(), shares.new_gateway_share()
    key, context = shares.file_key(link_share, gateway_share, file_id), shares.file_context(file_id)
    sealer = container.Sealer(key, context, salt)
    sealed = sealer.update(plain) + sealer.finalize()

    opener = container.Opener(key, context, sealed_size=len(sealed))
    plain = opener.update(sealed) + opener.finalize()

``chunks`` (one chunk of Cobblestone-128), ``failing`` (failed is failed) and ``strict`` (JSON without
surprises) serve the others.
The formats are docs/protocol.md §1 to §5; tests/vectors/sealing.json holds examples that JavaScript reads too.
"""
