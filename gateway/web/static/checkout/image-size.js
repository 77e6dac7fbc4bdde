/**
 * How large a picture is, from its first bytes: a few kilobytes may say that they are gigabytes once they are drawn.
 * By content and not by the type it goes by, as browsers do.
 */

/** @typedef {{width: number, height: number}} Size in pixels */

const MOST_PIXELS = 16_000_000;

/** @param {Size} size */
export const mayShow = ({ width, height }) => width > 0 && height > 0 && width * height <= MOST_PIXELS;

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Size | null} null for what is no PNG, JPEG or WebP, or is broken
 */
export function imageSize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return png(view) ?? jpeg(view) ?? webp(view);
  } catch {
    return null; // it ends too early
  }
}

/**
 * @param {DataView} view
 * @param {number} at
 */
const four = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((step) => view.getUint8(at + step)));

/** @param {DataView} view */
function png(view) {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(4) !== 0x0d0a1a0a || four(view, 12) !== "IHDR") return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** The frame header comes before any picture data. @param {DataView} view */
function jpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    if (marker === 0xda || marker === 0xd9) return null;
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
}

/** @param {DataView} view */
function webp(view) {
  if (four(view, 0) !== "RIFF" || four(view, 8) !== "WEBP") return null;
  const kind = four(view, 12);
  if (kind === "VP8X") return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
  if (kind === "VP8 ") return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (kind !== "VP8L") return null;
  const packed = view.getUint32(21, true);
  return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
}

/**
 * @param {DataView} view
 * @param {number} at
 */
const uint24 = (view, at) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
