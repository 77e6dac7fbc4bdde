"""What people see in a browser.

pages.py    the pages;  no_script_checkout.py the checkout without JavaScript, claim_cookie.py what it keeps;
            source_tarball.py the program itself (AGPL)
render_template.py   templates/ in the reader's language;  translations.py  words/en.json and fr.json, every sentence people read
static_assets.py   static/: css, the checkout and seller elements, sealing in workers, the QR encoder, bitcache-pay.js (widget)
"""
