// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

const TEXTS = { en: { close: "Close", checkout: "Checkout" }, fr: { close: "Fermer", checkout: "Paiement" } };

/**
 * Return the dialog's texts in this language, in English if there are none.
 * @param {string} language as in the `lang` attribute
 */
export function textsFor(language) {
  return language.toLowerCase().startsWith("fr") ? TEXTS.fr : TEXTS.en;
}
