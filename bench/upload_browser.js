/**
 * What bench/upload_browser.py measures in the page: each returns seconds. `file` is what its field holds.
 */
({
  file: () => document.getElementById("large").files[0],

  async seconds(work) {
    const began = performance.now();
    await work();
    return (performance.now() - began) / 1000;
  },

  /** A whole sale, by the code of the page's worker. */
  async sell(token) {
    const { sell } = await import("/static/client/sell.js");
    const { newSellerKeys } = await import("/static/sealing/manifest.js");
    const nothing = () => {};
    const events = { onStarted: nothing, onProgress: nothing, onState: nothing, onRetry: nothing };
    const link = { gateway: location.origin, secret: token };
    const sale = { link, file: this.file(), title: "large", priceSat: 2500, preview: null, keys: await newSellerKeys() };
    return this.seconds(() => sell(sale, events));
  },

  /** As many bytes, not sealed, in pieces of 4 MiB. */
  async plain(token) {
    const { b64u } = await import("/static/sealing/bytes.js");
    const { sealedSize } = await import("/static/sealing/cobblestone.js");
    const id = b64u(crypto.getRandomValues(new Uint8Array(16)));
    const tus = { "Tus-Resumable": "1.0.0", Authorization: `Bearer ${token}` };
    const size = sealedSize(this.file().size);
    const bytes = new Blob([this.file(), new Uint8Array(size - this.file().size)]);
    const created = { ...tus, "Upload-Length": String(size), "Upload-Metadata": `file_id ${btoa(id)}` };
    await fetch("/api/v1/uploads", { method: "POST", headers: created });
    const took = await this.seconds(async () => {
      for (let at = 0; at < size; at += 4 << 20) {
        const headers = { ...tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
        const body = new Blob([await bytes.slice(at, at + (4 << 20)).arrayBuffer()]);
        const answer = await fetch(`/api/v1/uploads/${id}`, { method: "PATCH", headers, body });
        if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
      }
    });
    await fetch(`/api/v1/uploads/${id}`, { method: "DELETE", headers: tus });
    return took;
  },

  async seal() {
    const { SealedFile, newSecrets } = await import("/static/sealing/seal-file.js");
    const sealed = await SealedFile.create(this.file(), newSecrets());
    return this.seconds(async () => {
      for (let at = 0; at < sealed.size; at += 4 << 20) await sealed.read(at, Math.min(at + (4 << 20), sealed.size));
    });
  },

  /** WebCrypto in batches of 64 chunks, with nothing around. */
  async raw() {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
    const how = { name: "AES-GCM", iv: new Uint8Array(12) };
    return this.seconds(async () => {
      for (let at = 0; at < this.file().size; at += 1 << 20) {
        const plain = new Uint8Array(await this.file().slice(at, at + (1 << 20)).arrayBuffer());
        const chunks = Array.from({ length: Math.ceil(plain.length / 16384) }, (_, k) => plain.subarray(k * 16384, (k + 1) * 16384));
        await Promise.all(chunks.map((chunk) => crypto.subtle.encrypt(how, key, chunk)));
      }
    });
  },
});
