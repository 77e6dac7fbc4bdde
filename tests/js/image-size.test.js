/** Pictures that say how large they are, before anyone draws them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { imageSize, mayShow } from "../../gateway/web/static/checkout/image-size.js";

const bytes = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part, typeof part === "string" ? "latin1" : undefined))));
const big = (number, size) => [...Array(size)].map((_, at) => (number / 256 ** (size - 1 - at)) & 255);
const little = (number, size) => big(number, size).reverse();

const png = (width, height) => bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", big(width, 4), big(height, 4), [8, 6, 0, 0, 0]);
const jpeg = (width, height, marker = 0xc0) =>
  bytes([0xff, 0xd8, 0xff, 0xe1], big(12, 2), "Exif\0\0", [0xff, 0xc0, 9, 9], [0xff, 0xc4], big(3, 2), [0], [0xff, 0xff, marker], big(17, 2), [8], big(height, 2), big(width, 2));
const riff = (kind, ...rest) => bytes("RIFF\0\0\0\0WEBP", kind, "\0\0\0\0", ...rest);
const webp = {
  extended: (width, height) => riff("VP8X", [0, 0, 0, 0], little(width - 1, 3), little(height - 1, 3)),
  lossy: (width, height) => riff("VP8 ", [0, 0, 0, 0x9d, 0x01, 0x2a], little(width, 2), little(height, 2)),
  lossless: (width, height) => riff("VP8L", [0x2f], little((width - 1) + (height - 1) * 16384, 4)),
};

for (const [kind, make] of Object.entries({ png, jpeg, ...webp })) {
  test(`${kind}: width and height, and every cut is refused`, () => {
    const whole = make(3000, 1234);
    assert.deepEqual(imageSize(whole), { width: 3000, height: 1234 });
    const needed = kind === "png" ? 24 : whole.length;
    for (let end = 0; end < needed; end++) assert.equal(imageSize(whole.slice(0, end)), null);
    assert.deepEqual(imageSize(bytes([1, 2, 3], whole).subarray(3)), { width: 3000, height: 1234 });
  });
}

test("a progressive JPEG, and one that never says", () => {
  assert.deepEqual(imageSize(jpeg(20, 10, 0xc2)), { width: 20, height: 10 });
  assert.equal(imageSize(jpeg(20, 10, 0xda)), null);
  assert.equal(imageSize(bytes([0xff, 0xd8], Array(40).fill(0xff))), null);
});

test("a real PNG", () => {
  const sample = new Uint8Array(readFileSync(new URL("../browser/sample.png", import.meta.url)));
  const size = imageSize(sample);
  assert.ok(size && size.width > 100 && mayShow(size));
});

test("what is none of the three is not shown, whatever it is called", () => {
  for (const other of ["GIF89a\x10\0\x10\0", "<svg xmlns='http://www.w3.org/2000/svg'/>", "\0\0\0\x20ftypavif", "BM", ""]) {
    assert.equal(imageSize(bytes(other, [0, 0, 0, 0, 0, 0, 0, 0])), null);
  }
});

test("up to 16 megapixels, and not without any", () => {
  assert.ok(mayShow({ width: 4000, height: 4000 }));
  for (const size of [{ width: 4000, height: 4001 }, { width: 4294967295, height: 4294967295 }, { width: 0, height: 5 }, { width: 5, height: 0 }]) {
    assert.ok(!mayShow(size));
  }
});
