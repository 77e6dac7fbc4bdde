"""The client behind ``bitcache sell`` and ``bitcache buy``: keys, claims and plaintext never leave it.

gateway_client.py          one gateway, its calls, and its errors turned back into ours  (errors.py)
sell_file.py       sell: seal while uploading, list           sealed_file.py   a file sealed where it is read
verified_offer.py         look: what a link sells, checked           buy_file.py        buy: pay, download, open
saved_purchases.py     claims, remembered before payment          resume.py      which purchase to go on with
invoice_terms.py          what may be asked of a buyer               follow_purchase.py     waiting for a payment
download_file.py   sealed bytes, resumed                      part_file.py     where they are kept, and opened
claim_from_link.py       whether a link's claim is taken up
output_file.py        the opened file's place, and ours beside   solve_proof_of_work.py       proof of work, when asked for
"""
