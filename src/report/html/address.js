// Filters, search and order are in the address, such as #outcome=unreachable&pool=HQ&sort=-took, so that it can be mailed.

// What the address selects; nothing where it names a part of the page.
const readAddress = () => (location.hash.includes("=") || location.hash.length < 2 ? new URLSearchParams(location.hash.slice(1)) : null);
const writeAddress = (pairs) => {
  const text = new URLSearchParams(pairs.filter(([, value]) => value)).toString();
  if (text === location.hash.slice(1)) return;
  history.replaceState(null, "", `${location.href.split("#")[0]}${text ? `#${text}` : ""}`);
};
// Links that filter lead to the table; only with this script can they filter it.
const linkFilters = () => {
  for (const link of document.querySelectorAll("a[data-filter]")) link.setAttribute("href", `#${link.dataset.filter}`);
};
