"""A gateway for show on a private network, with a wallet that pays: ``bitcache demo``.

command.py          the command's options
command_run.py      the command
demonstration.py    the gateway, its chain and its seller
sample_purchase.py  a purchase that runs unattended (``--once``)
lightning_purchase.py  the same by Lightning (``--lightning``)
api.py              the route by which the demo wallet pays
sample/             the file on sale
"""
