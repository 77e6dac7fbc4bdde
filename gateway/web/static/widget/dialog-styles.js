// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

export const DIALOG_STYLES = `
  dialog { border: 0; padding: 0; margin: auto; width: min(28rem, calc(100vw - 1rem)); max-height: calc(100dvh - 1rem);
    border-radius: 1rem; overflow: hidden; background: Canvas; color: CanvasText; color-scheme: light dark;
    box-shadow: 0 1.5rem 4rem rgb(0 0 0 / 0.28); }
  dialog::backdrop { background: rgb(12 16 24 / 0.55); }
  iframe { display: block; border: 0; width: 100%; height: min(36rem, calc(100dvh - 1rem)); background: transparent; }
  button { position: absolute; inset-block-start: 0.5rem; inset-inline-end: 0.5rem; inline-size: 2.75rem; block-size: 2.75rem;
    border: 0; border-radius: 0.75rem; background: transparent; color: inherit; font: 1.5rem/1 system-ui, sans-serif; cursor: pointer; }
  button:hover { background: rgb(128 128 128 / 0.15); }
  button:focus-visible { outline: 3px solid Highlight; outline-offset: -3px; }
`;
