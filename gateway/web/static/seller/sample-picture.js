/**
 * A free sample made of a picture: upright, small enough to load at once, and without what cameras write into their files (where,
 * when and with what it was taken).
 */

import { MAX_PREVIEW } from "../sealing/metadata.js";

/** Longest side in pixels and quality, tried until the sample is small enough. @type {[number, number][]} */
const TRIES = [[1280, 0.85], [1280, 0.6], [960, 0.6], [640, 0.5], [320, 0.5]];
/** Not every browser writes the first. */
const TYPES = ["image/webp", "image/jpeg"];

/**
 * @param {Blob} file
 * @returns {Promise<Blob | null>} a WebP or JPEG; null for what this browser cannot show
 */
export async function samplePicture(file) {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  try {
    for (const [side, quality] of TRIES) {
      const blob = await encoded(drawn(picture, side), quality);
      if (blob && blob.size <= MAX_PREVIEW) return blob;
    }
    return null;
  } finally {
    picture.close();
  }
}

/**
 * @param {ImageBitmap} picture
 * @param {number} side in pixels, the longest
 */
function drawn(picture, side) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "white"; // JPEG knows no transparency
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, width, height);
  return canvas;
}

/**
 * @param {OffscreenCanvas} canvas
 * @param {number} quality 0 to 1
 */
async function encoded(canvas, quality) {
  for (const type of TYPES) {
    const blob = await canvas.convertToBlob({ type, quality });
    if (blob.type === type) return blob;
  }
  return null;
}
