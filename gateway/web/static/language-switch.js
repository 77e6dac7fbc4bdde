/** The reader's own choice of language: kept in a cookie, and the page loaded again with the end of its link, which no server sees. */

const label = document.getElementById("language");
const choice = label?.querySelector("select");
if (label && choice) {
  label.hidden = false;
  choice.addEventListener("change", () => {
    document.cookie = `bitcache.language=${choice.value}; path=/; max-age=31536000; samesite=lax`;
    location.reload();
  });
}
