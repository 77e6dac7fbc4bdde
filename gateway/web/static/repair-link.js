/** Mends a link whose "#" a scanner turned into "%23": the secret leaves the path and goes back behind the sign. */

import { formatLink, parseLink } from "./sealing/file-link.js";

try {
  const mended = formatLink(parseLink(location.href));
  if (!location.hash.startsWith(`#${mended.split("#")[1]}`)) {
    document.getElementById("repair")?.removeAttribute("hidden");
    location.replace(mended);
  }
} catch {
  // There is no link to mend in this address.
}
