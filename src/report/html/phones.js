// Shows the table of phones: sorts, filters, searches, and draws one page of rows at a time.
const showPhones = (table) => {
  const data = JSON.parse(byId("data").textContent);
  const [NAME, DESCRIPTION, IP, MODEL, POOL, VERDICT, OUTCOME, FAILURE, REASON, ANSWER, REMEDY, ATTEMPTS, TOOK, MORE, FINDINGS, TRIES, PICTURE, TONE, CLUSTER, LABELS, SCREENLESS] =
    Array(21).keys();
  const { rows, texts } = data;
  const PAGE = 100;
  const MOST_PRINTED = 500;
  const count = new Intl.NumberFormat("en");

  // Devices without a screen are listed only where a filter or the search selects them, or where there is nothing else.
  const everyRow = [...rows.keys()];
  const withScreen = everyRow.filter((at) => !rows[at][SCREENLESS]);
  const listed = withScreen.length ? withScreen : everyRow;
  const unlisted = withScreen.length ? everyRow.filter((at) => rows[at][SCREENLESS]) : [];

  // What is shown: which rows in which order, whether no filter is set, which page of them, and how many columns there is
  // room for.
  const shown = { order: [...listed], all: true, page: 0, sort: null, descending: false, open: new Set(), span: 1 };

  const took = (ms) => {
    if (ms === null) return "";
    if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
    return `${Math.floor(ms / 60000)} min ${Math.floor((ms % 60000) / 1000)} s`;
  };
  // Extension, owner and code of a row.
  const labelsOf = (row) => row[LABELS].map((text) => texts[text]);
  const describe = (row) => [labelsOf(row)[0], row[DESCRIPTION]].filter(Boolean).join(" · ");
  const codesOf = (row) => row[FINDINGS].map((finding) => data.codes[finding[0]]);

  // ---- sorting ----

  const ranksOf = (values) => {
    const order = values.map((_, at) => at).sort((a, b) => (values[a] < values[b] ? -1 : values[a] > values[b] ? 1 : 0));
    const ranks = new Float64Array(values.length);
    order.forEach((at, rank) => {
      const before = order[rank - 1];
      ranks[at] = rank > 0 && values[before] === values[at] ? ranks[before] : rank;
    });
    return ranks;
  };
  const ofAddress = (ip) => {
    const parts = ip.split(".");
    return parts.length === 4 ? parts.reduce((sum, part) => sum * 256 + Number(part), 0) : 2 ** 33;
  };
  const known = new Map();
  // A number for each row, such that sorting the numbers sorts the rows. What is empty comes last.
  const keysOf = (column) => {
    if (!known.has(column)) known.set(column, makeKeys[column]());
    return known.get(column);
  };
  let textRanks = null;
  const byText = (field) => () => {
    textRanks ??= ranksOf(texts.map((text) => text.toLowerCase()));
    return Float64Array.from(rows, (row) => (row[field] ? textRanks[row[field]] : Infinity));
  };
  const makeKeys = {
    name: () => ranksOf(rows.map((row) => row[NAME].toLowerCase())),
    cluster: byText(CLUSTER),
    model: byText(MODEL),
    pool: byText(POOL),
    picture: byText(PICTURE),
    ip: () => {
      const ranks = ranksOf(rows.map((row) => row[IP]));
      return Float64Array.from(rows, (row, at) => (row[IP] ? ofAddress(row[IP]) + (row[IP].includes(".") ? 0 : ranks[at]) : Infinity));
    },
    verdict: () => Float64Array.from(rows, (row) => row[VERDICT] ?? Infinity),
    outcome: () => Float64Array.from(rows, (row) => row[OUTCOME]),
    took: () => Float64Array.from(rows, (row) => row[TOOK] ?? Infinity),
    reason: byText(REASON),
  };
  const sortOrder = () => {
    shown.order.sort((a, b) => a - b);
    if (!shown.sort) return;
    const keys = keysOf(shown.sort);
    const sign = shown.descending ? -1 : 1;
    shown.order.sort((a, b) => {
      const [left, right] = [keys[a], keys[b]];
      if (left === right) return a - b;
      if (left === Infinity || right === Infinity) return left < right ? -1 : 1;
      return (left - right) * sign;
    });
  };

  // ---- filtering ----

  let haystacks = null;
  const haystack = (at) => {
    haystacks ??= rows.map((row) => {
      const verdict = row[VERDICT] === null ? "" : data.verdicts[row[VERDICT]];
      const parts = [row[NAME], row[DESCRIPTION], ...labelsOf(row), row[IP], texts[row[CLUSTER]], texts[row[MODEL]], texts[row[POOL]], verdict, data.outcomes[row[OUTCOME]], data.titles[row[OUTCOME]]];
      parts.push(texts[row[PICTURE]], texts[row[TONE]], texts[row[REASON]], texts[row[ANSWER]], texts[row[REMEDY]], ...codesOf(row), ...row[MORE].map((text) => texts[text]));
      return parts.join("\n").toLowerCase();
    });
    return haystacks[at];
  };
  const filters = {
    outcome: (value) => (value === "failed" ? (row) => row[FAILURE] === 1 : (row) => data.outcomes[row[OUTCOME]] === value),
    verdict: (value) => (row) => row[VERDICT] !== null && data.verdicts[row[VERDICT]] === value,
    finding: (value) => {
      const code = data.codes.indexOf(value);
      return (row) => row[FINDINGS].some((finding) => finding[0] === code);
    },
    cluster: (value) => (row) => texts[row[CLUSTER]] === value,
    pool: (value) => (row) => texts[row[POOL]] === value,
    model: (value) => (row) => texts[row[MODEL]] === value,
    picture: (value) => (row) => texts[row[PICTURE]] === value,
  };
  const valueOf = (filter) => byId(`by-${filter}`)?.value ?? "";
  const apply = () => {
    const wanted = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = Object.keys(filters).filter(valueOf).map((filter) => filters[filter](valueOf(filter).slice(1)));
    shown.all = tests.length + wanted.length === 0;
    shown.order = shown.all ? [...listed] : [];
    rows.forEach((row, at) => {
      if (!shown.all && tests.every((test) => test(row)) && wanted.every((word) => haystack(at).includes(word))) shown.order.push(at);
    });
    shown.page = 0;
    sortOrder();
    draw();
    write();
  };
  const write = () => {
    const chosen = Object.keys(filters).map((filter) => [filter, valueOf(filter).slice(1)]);
    const sort = shown.sort && `${shown.descending ? "-" : ""}${shown.sort}`;
    writeAddress([...chosen, ["q", byId("search").value.trim()], ["sort", sort]]);
  };
  // Shows what an address selects, and nothing that was selected before. A value that no phone has leaves none.
  const choose = (address) => {
    form.reset();
    for (const filter of Object.keys(filters)) {
      const [select, value] = [byId(`by-${filter}`), address.get(filter)];
      if (!select || !value) continue;
      if (![...select.options].some((option) => option.value === `=${value}`)) select.append(new Option(`${value} (0)`, `=${value}`));
      select.value = `=${value}`;
    }
    byId("search").value = address.get("q") ?? "";
    const sort = address.get("sort") ?? "";
    const column = sort.replace(/^-/, "");
    [shown.sort, shown.descending] = columns.includes(column) ? [column, sort.startsWith("-")] : [null, false];
    apply();
  };
  const reveal = () => {
    byId("h-phones").focus({ preventScroll: true });
    byId("h-phones").scrollIntoView({ block: "start", behavior: "instant" });
  };
  // The options of a filter with how many phones each one leaves. Values begin with `=`, so that none is empty.
  const fill = (filter, words) => {
    const select = byId(`by-${filter}`);
    if (!select) return;
    select.append(new Option("all", ""));
    for (const [word, number, label] of words) select.append(new Option(`${label ?? word} (${count.format(number)})`, `=${word}`));
  };
  const tally = (wordsOf) => {
    const tallied = new Map();
    for (const row of rows) for (const word of wordsOf(row)) tallied.set(word, (tallied.get(word) ?? 0) + 1);
    return tallied;
  };
  const inOrder = (words, tallied, titles = []) => words.map((word, at) => [word, tallied.get(word), titles[at]]).filter(([, number]) => number);
  const byName = (tallied) => [...tallied].filter(([word]) => word).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  const fillAll = () => {
    const failed = rows.filter((row) => row[FAILURE] === 1).length;
    const outcomes = inOrder(data.outcomes, tally((row) => [data.outcomes[row[OUTCOME]]]), data.titles);
    fill("outcome", failed ? [["failed", failed, data.failed], ...outcomes] : outcomes);
    fill("verdict", inOrder(data.verdicts, tally((row) => (row[VERDICT] === null ? [] : [data.verdicts[row[VERDICT]]]))));
    fill("finding", inOrder(data.codes, tally((row) => new Set(codesOf(row)))));
    fill("cluster", byName(tally((row) => [texts[row[CLUSTER]]])));
    fill("pool", byName(tally((row) => [texts[row[POOL]]])));
    fill("model", byName(tally((row) => [texts[row[MODEL]]])));
    fill("picture", byName(tally((row) => [texts[row[PICTURE]]])));
  };

  // ---- drawing ----

  const columns = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.sort);
  const cellOf = {
    cluster: (cell, row) => cell.append(texts[row[CLUSTER]]),
    model: (cell, row) => cell.append(texts[row[MODEL]]),
    pool: (cell, row) => cell.append(texts[row[POOL]]),
    ip: (cell, row) => cell.append(row[IP]),
    picture: (cell, row) => cell.append(texts[row[PICTURE]]),
    verdict: (cell, row) => {
      if (row[VERDICT] === null) return;
      cell.append(tag(data.verdicts[row[VERDICT]]));
      const codes = codesOf(row).join(" ");
      if (!codes) return;
      const small = make("small");
      codes.split(/(?<=_)/).forEach((part) => small.append(part, make("wbr")));
      cell.append(make("br"), small);
    },
    outcome: (cell, row) => cell.append(tag(data.outcomes[row[OUTCOME]], data.titles[row[OUTCOME]])),
    took: (cell, row) => cell.append(took(row[TOOK])),
    reason: (cell, row) => {
      cell.append(texts[row[REASON]]);
      if (row[REMEDY]) cell.append(make("br"), rich(make("small"), texts[row[REMEDY]]));
    },
  };
  const classOf = { reason: "t-why", took: "t-took n" };
  const drawRow = (at) => {
    const row = rows[at];
    const line = make("tr");
    for (const column of columns) {
      const isName = column === "name";
      const cell = make(isName ? "th" : "td", undefined, classOf[column] ?? `t-${column}`);
      if (isName) {
        cell.scope = "row";
        const button = make("button", row[NAME]);
        button.type = "button";
        button.dataset.at = at;
        button.setAttribute("aria-expanded", String(shown.open.has(at)));
        cell.append(button);
        if (describe(row)) cell.append(make("br"), make("small", describe(row)));
      } else {
        cellOf[column](cell, row);
      }
      line.append(cell);
    }
    return line;
  };
  const fact = (list, name, fill) => {
    const pair = make("div");
    const value = make("dd");
    fill(value);
    pair.append(make("dt", name), value);
    list.append(pair);
  };
  const drawDetail = (at) => {
    const row = rows[at];
    const line = make("tr", undefined, "detail");
    const cell = make("td");
    cell.colSpan = shown.span;
    const list = make("dl", undefined, "how");
    const add = (name, text) => text && fact(list, name, (value) => value.append(text));
    add("Cluster", texts[row[CLUSTER]]);
    add("Model", texts[row[MODEL]]);
    add("Address", row[IP]);
    add("Picture", texts[row[PICTURE]]);
    add("Ring tone", texts[row[TONE]]);
    row[MORE].forEach((text, number) => add(data.labels[number], texts[text]));
    add("Owner", labelsOf(row)[1]);
    fact(list, "Outcome", (value) => value.append(tag(data.outcomes[row[OUTCOME]], data.titles[row[OUTCOME]])));
    if (row[ATTEMPTS]) add("Attempts", row[TOOK] === null ? String(row[ATTEMPTS]) : `${row[ATTEMPTS]}, in ${took(row[TOOK])}`);
    add("Why", texts[row[REASON]]);
    if (row[ANSWER]) fact(list, "It answered", (value) => value.append(make("code", texts[row[ANSWER]])));
    if (row[REMEDY]) fact(list, "What to do", (value) => rich(value, texts[row[REMEDY]]));
    cell.append(list);
    if (row[FINDINGS].length) {
      const findings = make("ul");
      for (const [code, message, remedy] of row[FINDINGS]) {
        const item = make("li");
        item.append(make("code", data.codes[code]), ` ${texts[message]}`);
        if (remedy) item.append(make("br"), rich(make("small"), texts[remedy]));
        findings.append(item);
      }
      cell.append(make("h3", "Findings before the run"), findings);
    }
    if (row[TRIES].length) {
      const tries = make("ul");
      for (const [at, ip, end, said] of row[TRIES]) {
        const item = make("li");
        item.append(make("time", texts[at]), `at ${texts[ip]}: ${texts[end]}${said ? `: ${texts[said]}` : ""}`);
        tries.append(item);
      }
      cell.append(make("h3", "Attempts"), tries);
    }
    line.append(cell);
    return line;
  };
  // A cell that spans columns which are hidden would make new ones.
  const fit = () => {
    shown.span = [...table.tHead.rows[0].cells].filter((cell) => cell.getClientRects().length > 0).length;
    for (const cell of byId("rows").querySelectorAll(".detail > td")) cell.colSpan = shown.span;
  };
  const drawRows = (order) => {
    const part = document.createDocumentFragment();
    for (const at of order) {
      part.append(drawRow(at));
      if (shown.open.has(at)) part.append(drawDetail(at));
    }
    byId("rows").replaceChildren(part);
  };
  const draw = () => {
    const { order, page } = shown;
    const pages = Math.max(1, Math.ceil(order.length / PAGE));
    drawRows(order.slice(page * PAGE, (page + 1) * PAGE));
    const phones = (number) => `${count.format(number)} ${number === 1 ? "phone" : "phones"}`;
    byId("told").textContent = shown.all || order.length === rows.length ? phones(rows.length) : `${count.format(order.length)} of ${phones(rows.length)}`;
    byId("unlisted").hidden = !shown.all || unlisted.length === 0;
    byId("page").textContent = `Page ${count.format(page + 1)} of ${count.format(pages)}`;
    byId("pages").hidden = pages === 1;
    for (const button of byId("pages").querySelectorAll("button")) {
      const back = button.dataset.go === "first" || button.dataset.go === "back";
      button.disabled = back ? page === 0 : page === pages - 1;
    }
    for (const name of ["save", "save-csv", "print"]) byId(name).disabled = order.length === 0;
    for (const cell of table.tHead.rows[0].cells) {
      if (cell.dataset.sort === shown.sort) cell.setAttribute("aria-sort", shown.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  };

  // ---- what a reader does ----

  table.tHead.addEventListener("click", (event) => {
    const column = event.target.closest("button")?.closest("th").dataset.sort;
    if (!column) return;
    // Up, down, and back to the order of the page, in which trouble comes first.
    if (shown.sort !== column) [shown.sort, shown.descending] = [column, false];
    else if (!shown.descending) shown.descending = true;
    else shown.sort = null;
    shown.page = 0;
    sortOrder();
    draw();
    write();
  });
  byId("rows").addEventListener("click", (event) => {
    const button = event.target.closest("button[data-at]");
    if (!button) return;
    const at = Number(button.dataset.at);
    const line = button.closest("tr");
    if (shown.open.delete(at)) {
      line.nextElementSibling.remove();
    } else {
      shown.open.add(at);
      line.after(drawDetail(at));
    }
    button.setAttribute("aria-expanded", String(shown.open.has(at)));
  });
  byId("pages").addEventListener("click", (event) => {
    const go = event.target.closest("button")?.dataset.go;
    if (!go) return;
    const last = Math.ceil(shown.order.length / PAGE) - 1;
    shown.page = { first: 0, back: Math.max(0, shown.page - 1), on: Math.min(last, shown.page + 1), last }[go];
    draw();
    byId("toolbar").scrollIntoView({ block: "start" });
  });
  const form = byId("filters");
  let waiting = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  const rowsShown = () => [...shown.order, ...(shown.all ? unlisted : [])].map((at) => rows[at]);
  byId("save").addEventListener("click", (event) => {
    download(event.target.dataset.file, "text/plain", rowsShown().map((row) => `${row[NAME]}\n`).join(""));
  });
  byId("save-csv").addEventListener("click", (event) => {
    const several = byId("by-cluster") !== null;
    const lines = rowsShown().map((row) => {
      const [extension, owner, code] = labelsOf(row);
      const cells = { name: row[NAME], extension, description: row[DESCRIPTION], owner, model: texts[row[MODEL]], device_pool: texts[row[POOL]], ip: row[IP], outcome: data.outcomes[row[OUTCOME]], code, attempts: row[ATTEMPTS], duration_ms: row[TOOK], reason: texts[row[REASON]], remedy: texts[row[REMEDY]] };
      const line = data.columns.map((column) => cells[column]);
      return several ? [texts[row[CLUSTER]], ...line] : line;
    });
    download(event.target.dataset.file, "text/csv", csv([several ? ["cluster", ...data.columns] : data.columns, ...lines]));
  });
  window.addEventListener("hashchange", () => {
    const address = readAddress();
    if (!address) return;
    choose(address);
    if (location.hash.length > 1) reveal();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filter]");
    // An address that stays the same is no change.
    if (link?.getAttribute("href") === location.hash) reveal();
  });
  window.addEventListener("resize", fit);
  // Phones are printed where that is asked for, and then all that are shown: on paper no one can turn the pages.
  const printing = document.documentElement.classList;
  byId("print").addEventListener("click", () => {
    printing.add("print-phones");
    window.print();
  });
  window.addEventListener("beforeprint", () => {
    if (!printing.contains("print-phones")) return;
    // The style sheet leaves one column out on paper.
    shown.span = columns.length - 1;
    drawRows(shown.order.slice(0, MOST_PRINTED));
    const left = shown.order.length - MOST_PRINTED;
    byId("printed").hidden = left <= 0;
    byId("printed").textContent = `And ${count.format(left)} more, which are not printed: filters choose who is.`;
  });
  window.addEventListener("afterprint", () => {
    printing.remove("print-phones");
    byId("printed").hidden = true;
    fit();
    draw();
  });

  fillAll();
  for (const part of [form, byId("toolbar"), table]) part.hidden = false;
  fit();
  const address = readAddress();
  if (address?.toString()) {
    choose(address);
    reveal();
  } else {
    draw();
  }
};
linkFilters();
if (byId("table")) showPhones(byId("table"));
