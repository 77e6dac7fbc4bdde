/** The page's words, which the server chose by language and put into the page (gateway/web/translations/*.json). */

/** @typedef {Record<string, string>} Words flat keys; a key ending in ".one" and ".other" counts `n` */
/** @typedef {Record<string, string | number>} Values */

/**
 * @param {Words} words
 * @param {string} language
 * @returns {(key: string, values?: Values) => string} a missing key shows itself
 */
export function translator(words, language) {
  const plural = new Intl.PluralRules(language);
  return (key, values = {}) => {
    const counted = "n" in values ? words[`${key}.${plural.select(Number(values.n))}`] ?? words[`${key}.other`] : undefined;
    const text = counted ?? words[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (hole, name) => String(values[name] ?? hole));
  };
}

/** @type {((key: string, values?: Values) => string) | undefined} */
let current;
/** @type {Words} */
let dictionary = {};

/**
 * @param {string} key
 * @param {Values} [values]
 */
export function t(key, values) {
  current ??= translator((dictionary = JSON.parse(document.getElementById("words")?.textContent || "{}")), language());
  return current(key, values);
}

export const language = () => document.documentElement.lang || "en";

/** @typedef {{code: string, hint?: string, reason?: string}} Problem */

/**
 * One plain sentence and what to do about it: our own words for the reason, else those for the code and the hint as it came.
 * @param {Problem} error
 */
export function errorText({ code, hint, reason }) {
  const sentence = t(`error.${code}`);
  if (reason && `error.${code}.${reason}` in dictionary) return t(`error.${code}.${reason}`);
  if (`error.${code}` in dictionary) return reason && hint ? `${sentence} ${hint}` : sentence;
  return [t("error.unexpected"), hint ?? "", `(${code})`].filter(Boolean).join(" ");
}
