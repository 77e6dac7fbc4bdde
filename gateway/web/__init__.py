"""What people see in a browser.

pages.py               the pages
no_script_checkout.py  the checkout without JavaScript
claim_cookie.py        the claims that it keeps
render_template.py     templates/, in the reader's language
translations.py        translations/en.json and fr.json: every sentence people read
static_assets.py       static/: style sheets, ES modules, the widget
source_tarball.py      the program itself, for everyone who uses it (AGPL)
"""
