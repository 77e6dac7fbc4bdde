"""The client behind ``bitcache sell`` and ``bitcache buy``: keys, claims and plaintext never leave it.

gateway_client.py       one gateway, its calls, and its errors turned back into ours (errors.py)

sell_file.py            sell: seal while uploading, list
upload_file.py          sealed bytes to a gateway, and the listing
free_sample.py          what buyers see before they pay
piece_size.py           how many bytes go in one request
read_ahead.py           sealing beside sending
sealed_file.py          a file or folder sealed as it is read
plain_file.py           what is sealed: a file that must not change meanwhile
folder_archive.py       a folder as one ZIP, packed as it is read
folder_members.py       which of its files are packed
signing_key.py          the seller's key, which signs manifests

seller_account.py       an account code or token, and the links it knows
export_archive.py       everything a seller has, in one archive (archive/: its openers)
import_archive.py       the same, brought to another gateway
bookkeeping.py          sales as a spreadsheet

verified_offer.py       look: what a link sells, checked
buy_file.py             buy: pay, download, open
saved_purchases.py      claims, on disk before payment
resume.py               which earlier purchase to go on with
claim_from_link.py      whether the claim in a link is used
invoice_terms.py        what a gateway may ask of a buyer
lightning_request.py    what a Lightning invoice asks for
pay_by_wallet.py        the buyer's own wallet pays, within a budget and once
follow_purchase.py      waiting for a payment
download_file.py        sealed bytes, resumed
part_file.py            where they are kept, and opened
output_file.py          where the opened file goes
solve_proof_of_work.py  proof of work, when asked for
private_files.py        files that their owner alone can read
"""
