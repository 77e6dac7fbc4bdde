"""What people see in a browser.

pages.py               the pages
no_script_checkout.py  the checkout without JavaScript
report_page.py         reporting a file to the operator
taken_down_page.py     what stands in the place of a file that was taken down
own_site.py            whether a form was sent from a page of ours
claim_cookie.py        the claims that it keeps
render_template.py     templates/, in the reader's language
translations.py        translations/<language>.json: every sentence people read
static_assets.py       static/: style sheets, ES modules, the widget
source_tarball.py      the program itself, for everyone who uses it (AGPL)
"""
