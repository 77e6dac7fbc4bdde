/** Mends a link whose "#" a scanner turned into "%23": the secret leaves the path and goes back behind the sign. */

const mended = /^(\/f\/[A-Za-z0-9_-]{22})%23([A-Za-z0-9_.-]+)$/.exec(location.pathname);
if (mended) {
  document.getElementById("repair")?.removeAttribute("hidden");
  location.replace(`${mended[1]}#${mended[2]}`);
}

export {};
