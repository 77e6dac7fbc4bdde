/**
 * QR codes drawn in the browser: a buyer's link holds the link share, which the gateway must never learn,
 * so no server can draw it. Byte or alphanumeric mode, error-correction level M, versions 1 to 25 (997 bytes).
 */

import { codewords, versionFor } from "./codewords.js";
import { penalty } from "./penalty.js";
import { draw, MASKS } from "./symbol.js";

const QUIET_ZONE = 4;

/**
 * @param {string} text
 * @param {number} [mask] 0 to 7; the most readable one unless given
 * @returns {boolean[][]} rows of modules, true is dark
 * @throws {RangeError} when the text is over 997 bytes
 */
export function matrix(text, mask) {
  const version = versionFor(text);
  const words = codewords(text, version);
  if (mask !== undefined) return draw(version, words, mask);
  const symbols = MASKS.map((_, each) => draw(version, words, each));
  const marks = symbols.map(penalty);
  return symbols[marks.indexOf(Math.min(...marks))];
}

/**
 * The dark modules as one SVG path, in a box that includes the quiet zone.
 * @param {boolean[][]} grid
 * @returns {{size: number, path: string}}
 */
export function outline(grid) {
  const bars = grid.flatMap((row, y) =>
    [...row.map(Number).join("").matchAll(/1+/g)].map(
      (run) => `M${run.index + QUIET_ZONE} ${y + QUIET_ZONE}h${run[0].length}v1h-${run[0].length}z`,
    ),
  );
  return { size: grid.length + 2 * QUIET_ZONE, path: bars.join("") };
}

/**
 * @param {string} text
 * @param {string} label what a screen reader says
 * @returns {SVGSVGElement}
 */
export function qrImage(text, label) {
  const { size, path } = outline(matrix(text));
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const attributes = { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" };
  Object.entries(attributes).forEach(([name, value]) => svg.setAttribute(name, value));
  const ground = document.createElementNS(space, "path");
  ground.setAttribute("d", `M0 0h${size}v${size}H0z`);
  ground.setAttribute("fill", "#fff");
  const dark = document.createElementNS(space, "path");
  dark.setAttribute("d", path);
  dark.setAttribute("fill", "#000");
  svg.append(ground, dark);
  return svg;
}
