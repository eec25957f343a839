"use strict";
// What the pages share. All text from the data goes in as text nodes; nothing here makes markup from a string.
const page = (() => {
  const byId = (id) => document.getElementById(id);

  // What acts without being seen is shown: control characters, and those that turn text around.
  const visible = (text) =>
    String(text)
      .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
      .replace(/\u007f/g, "\u2421")
      .replace(/[\u202a-\u202e\u2066-\u2069]/g, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase()}⟩`);
  const label = (name) => visible(name).replaceAll("_", " ");
  const title = (name) => label(name).replace(/(?<=[a-z0-9])-(?=[a-z0-9])/gi, " ");

  function element(tag, name, ...children) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    for (const child of children) {
      if (child !== null && child !== "") made.append(typeof child === "string" ? visible(child) : child);
    }
    return made;
  }

  function isolated(text, tag = "bdi", name = "") {
    const made = element(tag, name, text);
    made.dir = "auto";
    return made;
  }

  const tag = (intent) => element("span", `intent ${intent}`, intent);

  // The timeline of one trajectory.
  function drawEvent(event, refusedAt) {
    if (event.kind === "call") return drawCall(event);
    const item = element("li", `event ${event.kind}`);
    if (event.kind === "system") {
      item.append(element("details", "", element("summary", "who", "System message"), isolated(event.text, "div", "said")));
      return item;
    }
    const who = { user: "User", assistant: "Assistant", refusal: "Assistant refuses" }[event.kind];
    const calls = refusedAt === 1 ? "1 tool call" : `${refusedAt} tool calls`;
    const when = event.kind !== "refusal" || refusedAt === null ? "" : refusedAt ? `, after ${calls}` : ", at once";
    item.append(element("p", "who", who + when), isolated(event.text, "div", "said"));
    return item;
  }

  function drawCall(event) {
    const item = element("li", `event call${event.error ? " error" : ""}`);
    const details = element("details");
    const brief = event.arguments.replace(/\s+/g, " ");
    const notes = [];
    if (event.error) notes.push("error");
    if (event.result === null) notes.push("not answered");
    if (event.injected) notes.push("carries an injected instruction");
    if (event.obeyed) notes.push("follows the injected instruction");
    const summary = element("summary", "", isolated(event.name, "code"));
    if (notes.length) summary.append(element("span", "bad", ` ${notes.join(", ")}`));
    if (brief !== "{}") summary.append(isolated(brief, "span", "brief"));
    details.append(summary, element("p", "part", "Arguments"), isolated(event.arguments, "pre"));
    if (event.result !== null) details.append(element("p", "part", "Result"), isolated(event.result, "pre"));
    item.append(element("span", "unseen", "Tool call"), details);
    return item;
  }

  function drawTimeline(events, refusedAt) {
    const timeline = element("ol", "timeline");
    for (const event of events) timeline.append(drawEvent(event, refusedAt));
    return timeline;
  }

  // Tabs over boxes: [title, box], ids of their own. Returns what to put on the page.
  function tabbed(name, panes, first = 0, chosen = () => {}) {
    const tabs = element("div", "tabs");
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", name);
    const buttons = [];
    const select = (wanted) => {
      panes.forEach(([, , box], number) => {
        box.hidden = number !== wanted;
        buttons[number].setAttribute("aria-selected", String(number === wanted));
        buttons[number].tabIndex = number === wanted ? 0 : -1;
      });
      chosen(wanted);
    };
    panes.forEach(([id, title, box], number) => {
      const button = element("button", "", isolated(title));
      Object.assign(button, { type: "button", id: `tab-${id}` });
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", `pane-${id}`);
      button.addEventListener("click", () => select(number));
      button.addEventListener("keydown", (event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!by) return;
        const next = (number + by + panes.length) % panes.length;
        select(next);
        buttons[next].focus();
      });
      buttons.push(button);
      tabs.append(button);
      box.id = `pane-${id}`;
      box.setAttribute("role", "tabpanel");
      box.setAttribute("aria-labelledby", `tab-${id}`);
    });
    select(first < panes.length ? first : 0);
    return [tabs, ...panes.map(([, , box]) => box)];
  }

  // A list of items with filters (by field), a search, and one of them in detail.
  function browse({ items, fields, row, draw, none }) {
    const place = new Map(items.map((item, number) => [item.id, number]));
    const filters = Object.fromEntries(fields.map((field) => [field, byId(`by-${field}`)]));
    const words = byId("by-text");
    const list = byId("list");
    const detail = byId("detail");
    const searched = items.map((item) => JSON.stringify(item).toLowerCase());
    let found = [];
    let shown = -1;

    function fill(select, values) {
      for (const value of [...new Set(values)].filter(Boolean).sort()) {
        const option = element("option", "", label(value));
        option.value = value;
        select.append(option);
      }
    }

    function find() {
      const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => JSON.stringify(word).slice(1, -1));
      found = items
        .map((_, number) => number)
        .filter((number) =>
          Object.entries(filters).every(([field, select]) => !select.value || items[number][field] === select.value) &&
          wanted.every((word) => searched[number].includes(word)));
      list.replaceChildren(...found.map((number) => {
        const button = element("button", "", ...row(items[number]));
        button.type = "button";
        button.addEventListener("click", () => show(number, true));
        return element("li", "", button);
      }));
      if (found.includes(shown)) mark();
      else if (found.length) show(found[0], false);
      else nothing();
    }

    function nothing() {
      shown = -1;
      detail.replaceChildren(element("p", "note", none(items.length)));
      mark();
    }

    function mark() {
      const at = found.indexOf(shown);
      byId("count").textContent = found.length ? `${at + 1} of ${found.length}` : "none";
      byId("previous").disabled = at <= 0;
      byId("next").disabled = at < 0 || at >= found.length - 1;
      [...list.children].forEach((item, number) => {
        const current = number === at;
        item.firstElementChild.setAttribute("aria-current", String(current));
        if (current) list.scrollTop += item.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
      });
    }

    function show(number, named) {
      shown = number;
      detail.replaceChildren(...draw(items[number]));
      mark();
      if (!named) return;
      try {
        history.replaceState(null, "", `#${encodeURIComponent(items[number].id)}`);
      } catch {
        // A page that was opened from somewhere without an address works as well.
      }
    }

    function step(by) {
      const at = found.indexOf(shown) + by;
      if (at >= 0 && at < found.length) show(found[at], true);
    }

    function follow() {
      let wanted = "";
      try {
        wanted = decodeURIComponent(location.hash.slice(1));
      } catch {
        return;
      }
      if (!place.has(wanted)) return;
      for (const select of Object.values(filters)) select.value = "";
      words.value = "";
      shown = place.get(wanted);
      find();
      show(shown, false);
      byId("browser").scrollIntoView();
      detail.focus({ preventScroll: true });
    }

    for (const [field, select] of Object.entries(filters)) {
      fill(select, items.map((item) => item[field]));
      select.addEventListener("change", find);
    }
    words.addEventListener("input", find);
    byId("previous").addEventListener("click", () => step(-1));
    byId("next").addEventListener("click", () => step(1));
    window.addEventListener("hashchange", follow);
    byId("browser").hidden = false;
    find();
    follow();
  }

  // Light or dark, whatever the system says.
  const theme = byId("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();

  return { browse, byId, drawTimeline, element, isolated, label, tabbed, tag, title };
})();
