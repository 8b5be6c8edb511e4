// Writes CSV as the program does, so that a spreadsheet takes no text for a formula.
const csvCell = (value) => {
  const text = String(value ?? "");
  const safe = /^\s*[=+\-@\uFFFD\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};
const csv = (lines) => lines.map((cells) => `${cells.map(csvCell).join(",")}\n`).join("");
