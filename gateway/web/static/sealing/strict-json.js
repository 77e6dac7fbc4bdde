/**
 * JSON objects read strictly: exactly these members and types, no duplicate, no fraction. Manifest and
 * metadata come from people whom we do not trust, and two readers that disagree on a sloppy document
 * could be shown different sales. Python's half is bitcache/sealing/strict_json.py.
 */

import { unb64u } from "./bytes.js";
import { SealingError } from "./errors.js";

/** @typedef {"string" | "number" | "string?"} MemberType `?` allows null; numbers are whole and exact */

const STRINGS = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * @param {string} text
 * @param {Record<string, MemberType>} members
 * @param {Record<string, MemberType>} [optional] each may be missing
 * @returns {Record<string, any>} with exactly these
 * @throws {SealingError} invalid_manifest
 */
export function parseObject(text, members, optional = {}) {
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("this is no JSON object");
  const types = { ...members, ...optional };
  const names = [...Object.keys(members), ...Object.keys(optional).filter((name) => Object.hasOwn(value, name))];
  // Keys counted in the text, since JSON.parse keeps the last of two equal ones in silence.
  const keys = [...text.matchAll(STRINGS)].filter((match) => match[1] !== undefined).length;
  if (keys !== names.length || names.some((name) => !Object.hasOwn(value, name))) {
    throw invalid("the members are not those of version 1");
  }
  // Outside strings, these characters occur only in fractions and exponents (or in true and false).
  if (/[.eE]/.test(text.replace(STRINGS, ""))) throw invalid("numbers are whole here");
  for (const name of names) {
    if (!fits(value[name], types[name])) throw invalid(`${name} has the wrong type`);
  }
  return value;
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid("this is no JSON object");
  }
}

/**
 * @param {unknown} value
 * @param {MemberType} type
 */
function fits(value, type) {
  if (type === "number") return Number.isSafeInteger(value);
  return typeof value === "string" || (type === "string?" && value === null);
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high inclusive
 * @param {string} name
 * @throws {SealingError} invalid_manifest
 */
export function number(value, low, high, name) {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return value;
  throw invalid(`${name} lies outside ${low} to ${high}`);
}

/**
 * @param {string} text b64u
 * @param {number} length bytes
 * @param {string} name
 * @throws {SealingError} invalid_manifest
 */
export function raw(text, length, name) {
  try {
    return unb64u(text, length);
  } catch {
    throw invalid(`${name} is not ${length} bytes in base64url`);
  }
}

/** @param {string} message */
export function invalid(message) {
  return new SealingError("invalid_manifest", message);
}
