/**
 * An uploader that is not ours: tus-js-client sends a piece, is stopped, and another one goes on where it stood.  Takes
 * {endpoint, token, fileId, path, chunkSize} on stdin; prints what it saw.
 */

import { readFileSync } from "node:fs";

import { Upload } from "tus-js-client";

const { endpoint, token, fileId, path, chunkSize } = JSON.parse(readFileSync(0, "utf8"));
const common = { headers: { Authorization: `Bearer ${token}` }, chunkSize, retryDelays: [0, 500], storeFingerprintForResuming: false };
const content = readFileSync(path);

/** @returns {Promise<string>} the address of an upload of which a piece is there */
function firstPiece() {
  return new Promise((resolve, reject) => {
    const upload = new Upload(content, {
      ...common,
      endpoint,
      metadata: { file_id: fileId },
      onError: reject,
      onChunkComplete: () => upload.abort().then(() => resolve(String(upload.url)), reject),
    });
    upload.start();
  });
}

/** @param {string} uploadUrl */
function theRest(uploadUrl) {
  /** @type {number[]} */
  const reached = [];
  return new Promise((resolve, reject) => {
    const onChunkComplete = (/** @type {number} */ _size, /** @type {number} */ accepted) => reached.push(accepted);
    new Upload(content, { ...common, uploadUrl, onError: reject, onChunkComplete, onSuccess: () => resolve(reached) }).start();
  });
}

const url = await firstPiece();
process.stdout.write(JSON.stringify({ url, reached: await theRest(url) }));
