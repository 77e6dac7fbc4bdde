// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** @type {Record<string, {close: string, checkout: string}>} */
const TEXTS = {
  en: { close: "Close", checkout: "Checkout" },
  de: { close: "Schließen", checkout: "Kasse" },
  es: { close: "Cerrar", checkout: "Pago" },
  fr: { close: "Fermer", checkout: "Paiement" },
};

/**
 * Return the dialog's texts in this language, in English if there are none.
 * @param {string} language as in the `lang` attribute
 */
export function textsFor(language) {
  return TEXTS[language.toLowerCase().split("-")[0]] ?? TEXTS.en;
}
