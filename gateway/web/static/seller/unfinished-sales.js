/**
 * Sales that broke off before they were listed, kept in this browser with all that was typed: choosing the file again goes on where
 * the upload stands. Those of each account apart.
 */

import { forget, progressOf } from "../client/upload.js";
import { get, put, remove, valuesUnder } from "./indexed-db.js";
import { token } from "./seller-token.js";

/** @typedef {import("../sealing/seal-file.js").SealingState} SealingState */
/** @typedef {import("./publish.js").Sale} Sale */
/** @typedef {Omit<Sale, "file"> & {name: string, size: number, lastModified: number, resume: SealingState}} Unfinished */
/** @typedef {{name: string, size: number, lastModified: number}} Named what tells one file from another, without reading it */

/** @param {string} account */
const prefixOf = (account) => `unfinished ${account} `;

/**
 * @param {string} account
 * @param {Named} file
 */
const keyOf = (account, { name, size, lastModified }) => `${prefixOf(account)}${size} ${lastModified} ${name}`;

/**
 * @param {string} account as the gateway names it
 * @returns {Promise<Unfinished[]>}
 */
export const unfinishedSales = (account) => valuesUnder(prefixOf(account));

/**
 * @param {string} account
 * @param {File} file
 * @returns {Promise<SealingState | undefined>} what an earlier attempt with this file began
 */
export async function resumeOf(account, file) {
  return (await get(keyOf(account, file)))?.resume;
}

/**
 * @param {string} account
 * @param {Sale} sale
 * @param {SealingState} resume
 */
export async function keepUnfinished(account, { file, ...typed }, resume) {
  const { name, size, lastModified } = file;
  await put(keyOf(account, file), { ...typed, name, size, lastModified, resume });
}

/**
 * It is listed, or must begin anew.
 * @param {string} account
 * @param {Named} file
 */
export const forgetUnfinished = (account, file) => remove(keyOf(account, file));

/**
 * Give up a sale, here and at the gateway.
 * @param {string} account
 * @param {Unfinished} sale
 */
export async function discard(account, sale) {
  await forgetUnfinished(account, sale);
  await forget(hereAsSeller(), sale.resume.fileId);
}

/**
 * How far it is at the gateway; null where nothing of it is there any more, or nobody answers.
 * @param {Unfinished} sale
 */
export const standOf = (sale) => progressOf(hereAsSeller(), sale.resume.fileId).catch(() => null);

const hereAsSeller = () => ({ gateway: location.origin, secret: token() ?? "" });

/**
 * @param {Unfinished} sale
 * @param {File} file
 * @returns {boolean} whether this is the file that was being sold; another one, or the same since changed, cannot go on
 */
export const isSameFile = ({ name, size, lastModified }, file) => file.name === name && file.size === size && file.lastModified === lastModified;
