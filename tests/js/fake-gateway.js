/**
 * The calls of docs/protocol.md §7 that the sealing modules make, in memory. `fetch` is what they are given;
 * tests break it on purpose through `breaks`.
 */

import { unb64u } from "../../gateway/web/static/sealing/bytes.js";

const json = (status, body, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
const problem = (status, code) => json(status, { code, detail: code, hint: "" });

export class FakeGateway {
  uploads = new Map();
  listings = new Map();
  requests = [];
  /** Called before each request; may return a Response or throw, instead of it being answered. */
  breaks = async () => undefined;
  released = true;
  token = "token";
  claim = "claim";
  etag = '"v1"';

  fetch = async (url, init = {}) => {
    const request = { method: init.method ?? "GET", path: new URL(url).pathname.replace("/api/v1", ""), headers: new Headers(init.headers), body: init.body, signal: init.signal, url };
    this.requests.push(request);
    if (init.signal?.aborted) throw new DOMException("aborted", "AbortError");
    return (await this.breaks(request)) ?? this.answer(request);
  };

  answer(request) {
    const [, collection, id, part] = request.path.split("/");
    const name = [request.method, collection, part].filter(Boolean).join(" ");
    const handler = this[name];
    return handler ? handler.call(this, request, id) : problem(404, "not_found");
  }

  "POST uploads"({ headers }) {
    const id = atob(headers.get("Upload-Metadata").split(" ")[1]);
    if (this.uploads.has(id)) return problem(409, "upload_exists");
    this.uploads.set(id, { bytes: Buffer.alloc(0), length: Number(headers.get("Upload-Length")) });
    return new Response(null, { status: 201, headers: { Location: `/api/v1/uploads/${id}`, "Upload-Offset": "0" } });
  }

  "HEAD uploads"(_, id) {
    const upload = this.uploads.get(id);
    if (!upload) return new Response(null, { status: 404 });
    const headers = { "Upload-Offset": String(upload.bytes.length), "Upload-Length": String(upload.length) };
    return new Response(null, { status: 200, headers });
  }

  async "PATCH uploads"({ headers, body }, id) {
    const upload = this.uploads.get(id);
    if (Number(headers.get("Upload-Offset")) !== upload.bytes.length) return problem(409, "upload_offset");
    upload.bytes = Buffer.concat([upload.bytes, await bytesOf(body)]);
    return new Response(null, { status: 204, headers: { "Upload-Offset": String(upload.bytes.length) } });
  }

  "POST listings"({ body }) {
    const listing = JSON.parse(body);
    const manifest = JSON.parse(listing.manifest);
    const id = manifest.file_id;
    if (this.listings.has(id)) return problem(409, "upload_exists");
    this.listings.set(id, { ...listing, bytes: this.uploads.get(id).bytes, price_sat: manifest.price_sat });
    return json(201, this.summary(id));
  }

  summary(id) {
    const { price_sat, bytes } = this.listings.get(id);
    return { file_id: id, price_sat, sealed_size: bytes.length, created_at: 1, path: `/f/${id}` };
  }

  "GET listings"() {
    return json(200, { listings: [...this.listings.keys()].map((id) => this.summary(id)) });
  }

  "GET files"(_, id) {
    return this.listings.has(id) ? json(200, this.offer(id)) : problem(404, "not_found");
  }

  /** @returns what GET /files/<F> answers */
  offer(id) {
    const { manifest, signature, meta, price_sat } = this.listings.get(id);
    return { file_id: id, manifest, signature, meta, price_sat };
  }

  share(id) {
    return this.listings.get(id).share;
  }

  "GET files groups"(_, id) {
    return new Response(unb64u(this.listings.get(id).groups));
  }

  "GET files bytes"({ headers }, id) {
    if (headers.get("Authorization") !== `Bearer ${this.claim}` || !this.released) return problem(402, "payment_required");
    const { bytes } = this.listings.get(id);
    const range = /^bytes=(\d+)-$/.exec(headers.get("Range") ?? "");
    const guard = headers.get("If-Range");
    if (!range || (guard && guard !== this.etag)) return new Response(bytes, { headers: { ETag: this.etag } });
    const content = `bytes ${range[1]}-${bytes.length - 1}/${bytes.length}`;
    return new Response(bytes.subarray(Number(range[1])), { status: 206, headers: { ETag: this.etag, "Content-Range": content } });
  }
}

/** What is sent, as bytes: pieces come as Blobs. */
const bytesOf = async (body) => new Uint8Array(body instanceof Blob ? await body.arrayBuffer() : body);

/** A body that says nothing, until its request is aborted. */
export function silentBody(signal) {
  return new ReadableStream({
    start(controller) {
      signal?.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
    },
  });
}

/** A body that gives `bytes` in pieces and then breaks like a lost connection. */
export function brokenBody(bytes, size = 50_000) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.error(new TypeError("network error"));
      controller.enqueue(new Uint8Array(bytes.subarray(at, Math.min(at + size, bytes.length))));
      at += size;
    },
  });
}

