"""What open pages are told while they wait.

hub.py             hands new events to open event streams
network_fee.py     what paying on the chain costs beside the price
purchase_cache.py  purchases as JSON: read once for all who wait, kept while they are true
sales_readiness.py whether a sale may be made right now
unlisted_proxy.py  whether buyers come through a proxy that the settings do not list
"""
