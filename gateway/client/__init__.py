"""The client behind ``bitcache sell`` and ``bitcache buy``: keys, claims and plaintext never leave it.

http.py          one gateway, its calls, and its errors turned back into ours  (errors.py)
selling.py       sell: seal while uploading, list           sealed_file.py   a file sealed where it is read
goods.py         look: what a link sells, checked           buying.py        buy: pay, download, open
purchases.py     claims, remembered before payment          claiming.py      which purchase to go on with
bill.py          what may be asked of a buyer               following.py     waiting for a payment
downloading.py   sealed bytes, resumed                      part_file.py     where they are kept, and opened
foreign.py       whether a link's claim is taken up
output.py        the opened file's place, and ours beside   working.py       proof of work, when asked for
"""
