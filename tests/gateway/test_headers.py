"""Headers that browsers obey: content security policy, cross-origin rules, no caching, no sniffing."""

from __future__ import annotations

import asyncio

import pytest
from gateway_harness import GatewayHarness
from sales import file_for_sale
from yarl import URL

from bitcache.identifiers import new_file_id

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; frame-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "
)
UNKNOWN = "A" * 22  # shaped like an id; nothing has it
ANYWHERE = ["//", "//sell", "//nope", "//static/css/base.css", "//bitcache-pay.js", "/healthz", "/seller", "/files/x"]


@pytest.mark.parametrize("path", ANYWHERE)
async def test_every_answer_is_guarded(harness: GatewayHarness, path: str) -> None:
    """Pages, scripts, errors and API alike: a strict policy, no inline script, no frames around them."""
    got = await raw(harness, path)
    assert got["Content-Security-Policy"] == STRICT + "'none'"
    assert "unsafe" not in got["Content-Security-Policy"]
    assert (got["X-Content-Type-Options"], got["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert "aiohttp" not in got["Server"]


async def raw(harness: GatewayHarness, path: str) -> dict[str, str]:
    """The headers of a path; ``//x`` is outside the API."""
    url = harness.url + (path[1:] if path.startswith("//") else path if path == "/healthz" else f"/api/v1{path}")
    async with harness.http.get(url) as got:
        return dict(got.headers)


async def test_only_the_checkout_can_be_framed(harness: GatewayHarness) -> None:
    """The widget frames /f/…?embed on any page, and nothing else.

    No ``frame-ancestors *``: that leaves out pages of the disk.  Isolated pages let in only what agrees to be strict.
    """
    sold = await harness.sell(file_for_sale())
    framed = (await harness.call("GET", f"/f/{sold.file_id}?embed")).headers
    assert "frame-ancestors" not in framed["Content-Security-Policy"]
    assert framed["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert framed["Cross-Origin-Resource-Policy"] == "cross-origin"
    worker = await raw(harness, "//static/client/buy-worker.js")
    assert worker["Cross-Origin-Embedder-Policy"] == "require-corp"
    page = f"/f/{sold.file_id}"
    for path in (page, "/f/nope", *(f"{page}{more}?embed" for more in ("/pay", "/claim", "/", "%0a", "%23x", "x"))):
        assert (await harness.call("GET", path)).headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert (await raw(harness, "//"))["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/seller", f"/files/{UNKNOWN}", "/healthz", f"/purchases/{UNKNOWN}"])
async def test_the_api_is_not_cached(harness: GatewayHarness, path: str) -> None:
    """States change, and secrets are in some answers."""
    assert (await raw(harness, path))["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "open_to_all"),
    [
        (f"/files/{UNKNOWN}", True),
        (f"/purchases/{UNKNOWN}", True),
        ("/claim", True),
        ("/share", True),
        ("/openapi.json", True),
        ("//static/css/base.css", True),
        ("//bitcache-pay.js", True),
        ("//widget/bitcache-pay-element.js", True),
        ("/seller", False),
        ("/listings", False),
        ("//sell", False),
        ("//", False),
    ],
)
async def test_other_origins(harness: GatewayHarness, path: str, open_to_all: bool) -> None:
    """Buyers' endpoints and the widget's script answer any site; the seller's do not."""
    assert ((await raw(harness, path)).get("Access-Control-Allow-Origin") == "*") is open_to_all


async def test_preflight(harness: GatewayHarness) -> None:
    """A buyer's client elsewhere may send a claim and ask for ranges; nobody elsewhere may sell."""
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    got = await harness.call("OPTIONS", f"/files/{new_file_id()}/bytes", headers=asks)
    assert got.status == 204
    assert {"Authorization", "Range", "If-Range"} <= set(got.headers["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in got.headers
    refused = await harness.call("OPTIONS", "/seller", headers=asks)
    assert refused.status == 405
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nope", 404, "not_found"), ("DELETE", "/seller", 405, "method_not_allowed")],
)
async def test_http_errors_are_problems(
    harness: GatewayHarness, method: str, path: str, status: int, code: str
) -> None:
    """What aiohttp refuses speaks the same language."""
    got = await harness.call(method, path)
    assert (got.status, got.json["code"], got.json["status"]) == (status, code, status)
    assert set(got.json) >= {"type", "title", "status", "code", "detail", "hint"}


@pytest.mark.parametrize("name", ["%00", "a" * 300 + ".js", "a/" * 2000 + "x.js", "%ff.js", "..%2f..%2fapp.py", "css"])
async def test_names_that_no_script_has(harness: GatewayHarness, name: str) -> None:
    """Whatever the file system says of them, they are not there."""
    async with harness.http.get(URL(f"{harness.url}/static/{name}", encoded=True)) as got:
        assert got.status == 404


NOT_ASCII = (
    *(
        "Authorization: Bearer ",
        "Cookie: claim=",
        "Range: bytes=",
        "If-Range: ",
        "If-None-Match: ",
        "If-Modified-Since: ",
    ),
    *("Accept: ", "Accept-Language: ", "Accept-Encoding: ", "X-Forwarded-For: ", "Origin: ", "Referer: ", "Host: "),
    *("Content-Type: ", "Upload-Metadata: ", "Upload-Offset: ", "Upload-Length: ", "Tus-Resumable: ", "User-Agent: "),
    *("Access-Control-Request-Method: ", "X-HTTP-Method-Override: ", "Upload-Concat: ", "Sec-Fetch-Site: "),
)


@pytest.mark.parametrize("header", NOT_ASCII, ids=[header.partition(":")[0] for header in NOT_ASCII])
async def test_headers_that_are_not_ascii(harness: GatewayHarness, header: str) -> None:
    """Bytes that no header should hold are refused or passed over, and never a failure of ours."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    file, purchase_id = sold.file_id, purchase["purchase_id"]
    api = "/api/v1"
    calls = [
        *(
            f"GET {path}"
            for path in ("/", "/sell", f"/f/{file}", f"/f/{file}/pay", f"/f/{file}/claim", "/source.tar.gz")
        ),
        *(f"GET {api}{path}" for path in (f"/files/{file}", f"/files/{file}/bytes", "/share", "/claim", "/seller")),
        *(f"POST {api}/{path}" for path in ("uploads", "listings", f"files/{file}/purchases")),
        *(f"{method} {api}/uploads/{file}" for method in ("HEAD", "PATCH", "DELETE", "POST", "OPTIONS")),
        *(f"GET {path}" for path in (f"{api}/purchases/{purchase_id}", "/static/checkout-page.js", "/healthz")),
        f"POST /f/{file}/pay",
    ]
    name, port = harness.url.removeprefix("http://").split(":")
    for call in calls:
        for value in (b"\xff\xfe", "é".encode(), "\u2028𝔄".encode()):
            reader, writer = await asyncio.open_connection(name, int(port))
            rest = b"" if header.startswith("Host") else b"\r\nHost: x"
            writer.write(f"{call} HTTP/1.1\r\n{header}".encode() + value + rest + b"\r\nConnection: close\r\n\r\n")
            status = (await reader.readline()).split()[1]
            writer.close()
            assert status < b"500" or (call.endswith("/healthz") and status == b"503"), (call, value, status)


@pytest.mark.parametrize("host", ["", "[", "a b", "x:99999", "x:y", "evil.example", '"><script>'])
async def test_host_is_never_repeated(harness: GatewayHarness, host: str) -> None:
    """Whatever a caller says that we are called."""
    name, port = harness.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"GET /embed HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    got = (await reader.read()).decode()
    writer.close()
    assert got.startswith("HTTP/1.1 200 ")
    assert f"{harness.context.settings.public_url}/bitcache-pay.js" in got
    assert not host or f"//{host}" not in got


async def test_people_get_pages(harness: GatewayHarness) -> None:
    """Outside the API an error is a page, unless a program asks."""
    async with harness.http.get(f"{harness.url}/nope", headers={"Accept": "text/html"}) as got:
        assert (got.status, got.content_type) == (404, "text/html")
    async with harness.http.get(f"{harness.url}/nope", headers={"Accept": "application/json"}) as got:
        assert (got.status, got.content_type) == (404, "application/problem+json")
