// The browser of a run's examples.
(() => {
  const { byId, label, title, element, isolated, tag, drawTimeline } = page;
  const results = JSON.parse(byId("data").textContent);
  const place = new Map(results.map((result, number) => [result.id, number]));
  const filters = { intent: byId("by-intent"), category: byId("by-category"), split: byId("by-split"), status: byId("by-status") };
  const words = byId("by-text");
  const list = byId("list");
  const detail = byId("detail");
  let found = [];
  let shown = -1;

  // Tabs, if there is a rejected response besides the chosen one.
  function drawResponses(result) {
    const chosen = drawTimeline(result.response, result.refused_at);
    if (!result.rejected) return [chosen];
    const name = label(result.rejected_as || "rejected");
    const panes = [
      ["chosen", "Response", chosen],
      ["other", `Rejected: ${name}`, drawTimeline(result.rejected, result.rejected.filter((e) => e.kind === "call").length)],
    ];
    const tabs = element("div", "tabs");
    tabs.setAttribute("role", "tablist");
    tabs.setAttribute("aria-label", "Responses");
    const buttons = [];
    const select = (wanted) => {
      panes.forEach(([, , pane], number) => {
        pane.parentElement.hidden = number !== wanted;
        buttons[number].setAttribute("aria-selected", String(number === wanted));
        buttons[number].tabIndex = number === wanted ? 0 : -1;
      });
    };
    const boxes = panes.map(([id, title, pane], number) => {
      const button = element("button", "", title);
      Object.assign(button, { type: "button", id: `tab-${id}` });
      button.setAttribute("role", "tab");
      button.setAttribute("aria-controls", `pane-${id}`);
      button.addEventListener("click", () => select(number));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
        select(1 - number);
        buttons[1 - number].focus();
      });
      buttons.push(button);
      tabs.append(button);
      const box = element("div", "", pane);
      box.id = `pane-${id}`;
      box.setAttribute("role", "tabpanel");
      box.setAttribute("aria-labelledby", `tab-${id}`);
      return box;
    });
    select(0);
    return [tabs, ...boxes];
  }

  function drawGates(result) {
    const verdicts = result.verdicts || [];
    if (!verdicts.length) return null;
    const passed = verdicts.filter((verdict) => verdict.outcome === "pass").length;
    const items = verdicts.map((verdict) =>
      element("li", ["pass", "fail", "unknown"].includes(verdict.outcome) ? verdict.outcome : "unknown",
        isolated(verdict.gate), verdict.reason ? ": " : "", isolated(verdict.reason)));
    const details = element("details", "", element("summary", "", `Gates: ${passed} of ${verdicts.length} passed`), element("ul", "gates", ...items));
    details.open = passed < verdicts.length;
    return details;
  }

  function drawDetail(result) {
    const facts = element("p", "facts", tag(result.intent), result.status === "kept" ? "" : element("span", "bad", result.status));
    const said = [
      result.split && `split ${label(result.split)}`,
      result.tone && `tone ${label(result.tone)}`,
      result.pressure && `pressure ${label(result.pressure)}`,
      result.twist && `twist ${label(result.twist)}`,
      `scenario ${result.scenario}`,
    ];
    for (const fact of said) if (fact) facts.append(isolated(fact, "span"));
    const link = isolated(result.id, "a", "id");
    link.href = `#${encodeURIComponent(result.id)}`;
    facts.append(link);
    const where = element("p", "where", isolated(label(result.category)), " · ", isolated(label(result.subcategory || "")));
    where.hidden = !result.category;
    const parts = [element("h3", "", isolated(title(result.chain || `${result.status} before it had a response`))), where, facts];
    if (result.reason || result.gate) {
      parts.push(element("p", "note bad", result.status, " at ", isolated(result.gate), result.reason ? ": " : "", isolated(result.reason)));
    }
    if (result.reading) parts.push(element("p", "note", isolated(result.reading)));
    if (result.note) parts.push(element("details", "note", element("summary", "", "The note that the request points to"), isolated(result.note, "blockquote")));
    parts.push(...drawResponses(result));
    const more = element("div", "more");
    const gates = drawGates(result);
    if (gates) more.append(gates);
    if (result.tools) {
      const names = element("p", "note");
      result.tools.forEach((name, number) => names.append(number ? ", " : "", isolated(name, "code")));
      more.append(element("details", "", element("summary", "", `${result.tools.length} tools offered`), names));
      const writers = element("ul", "note", ...result.sources.map((source) => element("li", "", isolated(source))));
      more.append(element("details", "", element("summary", "", "Who wrote it"), writers));
    }
    if (more.childElementCount) parts.push(more);
    detail.replaceChildren(...parts);
  }

  // The list, its filters, and moving through it.
  const searched = results.map((result) => JSON.stringify(result).toLowerCase());

  function fill(select, values) {
    for (const value of [...new Set(values)].filter(Boolean).sort()) {
      const option = element("option", "", label(value));
      option.value = value;
      select.append(option);
    }
  }

  function find() {
    const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean).map((word) => JSON.stringify(word).slice(1, -1));
    found = results
      .map((_, number) => number)
      .filter((number) =>
        Object.entries(filters).every(([field, select]) => !select.value || results[number][field] === select.value) &&
        wanted.every((word) => searched[number].includes(word)));
    list.replaceChildren(...found.map((number) => {
      const result = results[number];
      const what = element("span", "what", tag(result.intent), " ", isolated(title(result.chain || "")),
        result.status === "kept" ? "" : element("span", "bad", ` ${result.status}`));
      const button = element("button", "", what, isolated(result.request || result.reason, "span", "said"));
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
    detail.replaceChildren(element("p", "note", results.length ? "No example fits." : "The run has no examples yet."));
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
    drawDetail(results[number]);
    mark();
    if (!named) return;
    try {
      history.replaceState(null, "", `#${encodeURIComponent(results[number].id)}`);
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
    fill(select, results.map((result) => result[field]));
    select.addEventListener("change", find);
  }
  words.addEventListener("input", find);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  window.addEventListener("hashchange", follow);
  byId("browser").hidden = false;
  find();
  follow();
})();
