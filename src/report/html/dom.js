// Makes elements. Whatever came from a cluster or a phone goes into the page as text and never as markup.
const byId = (id) => document.getElementById(id);
const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const svg = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const tag = (word, title = word) => {
  const span = make("span", undefined, "tag");
  const swatch = svg("svg", { class: "swatch", "aria-hidden": "true" });
  swatch.append(svg("rect", { width: "100%", height: "100%", fill: `url(#f-${word})` }));
  span.append(swatch, title);
  return span;
};
// Every other part between backticks is code.
const rich = (parent, text) => {
  text.split("`").forEach((part, at) => {
    if (part) parent.append(at % 2 ? make("code", part) : part);
  });
  return parent;
};
// Saves a file that the page makes itself.
const download = (name, type, text) => {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
