/**
 * Sales that broke off before they were listed, kept in this browser with all that was typed: choosing the file again goes on where
 * the upload stands. Those of each account apart.
 */

import { forget, isListed, progressOf } from "../client/upload.js";
import { formatLink } from "../sealing/file-link.js";
import { get, put, remove, valuesUnder } from "./indexed-db.js";
import { keepLinks } from "./saved-links.js";
import { token } from "./seller-token.js";

/** @typedef {import("../sealing/seal-file.js").SealingState} SealingState */
/** @typedef {import("./publish.js").Sale} Sale */
/** @typedef {Omit<Sale, "file"> & {name: string, size: number, lastModified: number, resume: SealingState}} Kept */
/** @typedef {Kept & {uploaded: Awaited<ReturnType<typeof progressOf>>}} Unfinished `uploaded`: null where nothing is, or nobody answers */
/** @typedef {{name: string, size: number, lastModified: number}} Named what tells one file from another, without reading it */

/** @param {string} account */
const prefixOf = (account) => `unfinished ${account} `;

/**
 * @param {string} account
 * @param {Named} file
 */
const keyOf = (account, { name, size, lastModified }) => `${prefixOf(account)}${size} ${lastModified} ${name}`;

const connection = () => ({ gateway: location.origin, secret: token() ?? "" });

/**
 * What waits. A sale that was listed while its answer was lost waits no more: its link is kept.
 * @param {string} account as the gateway names it
 * @returns {Promise<Unfinished[]>}
 */
export async function unfinishedSales(account) {
  const sales = await Promise.all((await valuesUnder(prefixOf(account))).map((kept) => lookAt(account, kept)));
  return sales.filter((sale) => sale !== null);
}

/**
 * @param {string} account
 * @param {Kept} kept
 * @returns {Promise<Unfinished | null>} null once it is listed
 */
async function lookAt(account, kept) {
  const { fileId, linkShare } = kept.resume;
  try {
    const uploaded = await progressOf(connection(), fileId);
    if (uploaded || !(await isListed(connection(), fileId))) return { ...kept, uploaded };
  } catch {
    return { ...kept, uploaded: null };
  }
  keepLinks(account, { [fileId]: { link: formatLink({ gateway: location.origin, fileId, linkShare, claim: null }), title: kept.title } });
  await forgetUnfinished(account, kept);
  return null;
}

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
  await forget(connection(), sale.resume.fileId);
}

/**
 * @param {Unfinished} sale
 * @param {File} file
 * @returns {boolean} whether this is the file that was being sold; another one, or the same since changed, cannot go on
 */
export const isSameFile = ({ name, size, lastModified }, file) => file.name === name && file.size === size && file.lastModified === lastModified;
