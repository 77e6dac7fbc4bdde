/** Numbers as people read them. Amounts are whole satoshis; no float touches one. Python's half: gateway/web/translations.py */

import { language, t } from "./translations.js";

const NARROW = "\u202f";
const NO_BREAK = "\u00a0";

/**
 * 2500 → "2 500", with narrow no-break spaces.
 * @param {number} amount
 */
export const grouped = (amount) => String(amount).replace(/\B(?=(\d{3})+$)/g, NARROW);

/** @param {number} amount */
export const satText = (amount) => `${grouped(amount)}${NO_BREAK}sat`;

/**
 * 2500 → "0.000025", from integers.
 * @param {number} amount
 */
export function btcText(amount) {
  const digits = String(amount).padStart(9, "0");
  return `${digits.slice(0, -8)}.${digits.slice(-8)}`.replace(/\.?0+$/, "");
}

const UNITS = ["size.b", "size.kb", "size.mb", "size.gb", "size.tb"];

/**
 * 31415926 → unit "size.mb" and 31.4
 * @param {number} bytes
 * @returns {{unit: string, value: number}}
 */
export function scaled(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return { unit: UNITS[unit], value: unit === 0 || value >= 99.95 ? Math.round(value) : Math.round(value * 10) / 10 };
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const { unit, value } = scaled(bytes);
  return t(unit, { value: new Intl.NumberFormat(language()).format(value) });
}

/**
 * Unix seconds → "14:02:11"
 * @param {number} time
 */
export function clock(time) {
  return new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(time * 1000);
}

/** @param {number} time */
export function day(time) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(time * 1000);
}

/**
 * Unix seconds → "3 May 2027, 14:00": when something ends
 * @param {number} time
 */
export function dayAndTime(time) {
  const hours = new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time * 1000);
  return `${day(time)}, ${hours}`;
}

/** @param {number} time */
export const moment = (time) => `${day(time)}, ${clock(time)}`;

/**
 * 872 → "14:32", 3900 → "1:05:00"
 * @param {number} seconds
 */
export function countdown(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/**
 * 42 → "45 seconds", 700 → "12 minutes": as exact as a guess is.
 * @param {number} seconds
 */
export function durationText(seconds) {
  const [unit, value] = seconds < 90 ? ["second", Math.max(5, 5 * Math.ceil(seconds / 5))] : seconds < 5400 ? ["minute", Math.round(seconds / 60)] : ["hour", Math.round(seconds / 3600)];
  return new Intl.NumberFormat(language(), { style: "unit", unit: String(unit), unitDisplay: "long" }).format(Number(value));
}
