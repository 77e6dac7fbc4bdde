/** Links of one's own files, kept in this browser alone: the gateway never learns them. */

const KEY = "bitcache.links";

/** @typedef {{link: string, title: string}} Kept */

/** @returns {Record<string, Kept>} by file id */
export function keptLinks() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/**
 * @param {string} fileId
 * @param {Kept} kept
 */
export function keepLink(fileId, kept) {
  localStorage.setItem(KEY, JSON.stringify({ ...keptLinks(), [fileId]: kept }));
}
