"""The aiohttp application and the connections it answers.

app.py                 the application: routes and life cycle
listener.py            takes connections in while there is room
malformed_requests.py  one connection: what is not HTTP, or stands still
middlewares.py         what every request passes
response_pacing.py     answers sent in pieces, so many at once for each visitor
"""
