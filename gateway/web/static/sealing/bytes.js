/** Bytes: base64url (RFC 4648 §5, unpadded), joining, comparing, text. */

import { SealingError } from "./errors.js";

/**
 * Bytes that own a plain ArrayBuffer, which is what WebCrypto, fetch and Blob take.
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */

const encoder = new TextEncoder();

/**
 * @param {string} text
 * @returns {Bytes} UTF-8
 */
export function utf8(text) {
  return encoder.encode(text);
}

/**
 * Strict inverse of {@link utf8}.
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {TypeError} for bytes that are not UTF-8
 */
export function fromUtf8(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/**
 * @param {...Uint8Array} parts
 * @returns {Bytes}
 */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Compares without leaving early, so that timing says nothing about where two values differ.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export function same(left, right) {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
}

/**
 * Unpadded base64url.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function b64u(bytes) {
  let binary = "";
  // In blocks: a function call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Strict inverse of {@link b64u}: one spelling per value, no padding, no spaces.
 * @param {string} text
 * @param {number} [length] bytes expected
 * @returns {Bytes}
 * @throws {SealingError} invalid_identifier, without quoting the text
 */
export function unb64u(text, length) {
  const wrong = () => new SealingError("invalid_identifier", "this value is not base64url of the right length");
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw wrong();
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (b64u(bytes) !== text || (length !== undefined && bytes.length !== length)) throw wrong();
  return bytes;
}
