"""What people see in a browser.

pages.py    the pages;  plain.py the checkout without JavaScript, claim_cookie.py what it keeps;
            source.py the program itself (AGPL)
render.py   templates/ in the reader's language;  words.py  words/en.json and fr.json, every sentence people read
assets.py   static/: css, the checkout and seller elements, sealing in workers, the QR encoder, bitcache-pay.js (widget)
"""
