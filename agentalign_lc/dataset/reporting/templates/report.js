// The browser of a run's examples.
(() => {
  const { browse, byId, drawTimeline, element, isolated, label, tabbed, tag, title } = page;

  // Tabs, if there is a rejected response besides the chosen one.
  function drawResponses(result) {
    const chosen = drawTimeline(result.response, result.refused_at);
    if (!result.rejected) return [chosen];
    const name = label(result.rejected_as || "rejected");
    const other = drawTimeline(result.rejected, result.rejected.filter((e) => e.kind === "call").length);
    const panes = [
      ["chosen", "Response", element("div", "", chosen)],
      ["other", `Rejected: ${name}`, element("div", "", other)],
    ];
    return tabbed("Responses", panes);
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
    return parts;
  }

  function drawRow(result) {
    const what = element("span", "what", tag(result.intent), " ", isolated(title(result.chain || "")),
      result.status === "kept" ? "" : element("span", "bad", ` ${result.status}`));
    return [what, isolated(result.request || result.reason, "span", "said")];
  }

  browse({
    items: JSON.parse(byId("data").textContent),
    fields: ["intent", "category", "split", "status"],
    row: drawRow,
    draw: drawDetail,
    none: (count) => (count ? "No example fits." : "The run has no examples yet."),
  });
})();
